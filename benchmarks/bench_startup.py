"""How long a user waits for the first line of `myoseg --help`, against importing torch."""

import argparse
import subprocess
import sys

from interleaved import print_table, time_in_turn

OURS = "myoseg --help"
SLOWEST = "python -c 'import monai'"


def main() -> None:
    """Times whole processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more rounds")
    full = parser.parse_args().full
    commands = {
        OURS: ["-m", "myoseg", "--help"],
        "python -c 'import typer'": ["-c", "import typer"],
        "python -c 'import torch'": ["-c", "import torch"],
        SLOWEST: ["-c", "import monai"],
    }
    competitors = {
        name: lambda arguments=arguments: subprocess.run(
            [sys.executable, *arguments], check=True, capture_output=True
        )
        for name, arguments in commands.items()
    }
    slow = {} if full else {SLOWEST: 1}
    seconds = time_in_turn(competitors, rounds=9 if full else 3, calls={}, most_rounds=slow)
    print_table("Start-up, whole processes", seconds, OURS)


if __name__ == "__main__":
    main()
