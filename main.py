"""`python main.py` opens the app; `python main.py --help` lists what else there is."""

import signal
import sys

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while all of this is imported: no traceback

from gamesim.cli import main

if __name__ == "__main__":
    sys.exit(main())
