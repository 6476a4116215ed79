"""`python main.py` opens the app; `python main.py --help` lists what else there is."""

import sys

from gamesim.cli import main

if __name__ == "__main__":
    sys.exit(main())
