"""`python -m gamesim` is `python main.py`."""

import sys

from gamesim.cli import main

if __name__ == "__main__":
    sys.exit(main())
