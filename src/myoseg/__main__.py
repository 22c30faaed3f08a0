"""`python -m myoseg`: the same as the command `myoseg`."""

from myoseg.cli import main

if __name__ == "__main__":
    main()
