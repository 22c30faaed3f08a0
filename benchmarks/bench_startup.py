"""How long a user waits for the first line of `myoseg --help`, against importing torch."""

import subprocess
import sys

from interleaved import print_table, time_in_turn

OURS = "myoseg --help"


def main() -> None:
    """Times whole processes."""
    commands = {
        OURS: ["-m", "myoseg", "--help"],
        "python -c 'import typer'": ["-c", "import typer"],
        "python -c 'import torch'": ["-c", "import torch"],
        "python -c 'import monai'": ["-c", "import monai"],
    }
    competitors = {
        name: lambda arguments=arguments: subprocess.run(
            [sys.executable, *arguments], check=True, capture_output=True
        )
        for name, arguments in commands.items()
    }
    seconds = time_in_turn(competitors, rounds=5, calls={})
    print_table("Start-up, whole processes", seconds, OURS)


if __name__ == "__main__":
    main()
