"""Run the command line with ``python -m pomona``."""

from pomona.cli import main

if __name__ == "__main__":
    main()
