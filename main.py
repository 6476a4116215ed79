"""`python main.py` opens the app; `python main.py --help` lists what else there is."""

import signal
import sys

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while all of this is imported: no traceback

try:
    from gamesim.cli import main
except ImportError as error:  # numpy or gymnasium: without them not even `doctor` can be asked
    if (error.name or "").partition(".")[0] == "gamesim":
        raise
    why = " ".join(str(error).split())[:300]
    print(f"gamesim: {why}; start with: uv run main.py, or install with: pip install -e .", file=sys.stderr)
    sys.exit(2)

if __name__ == "__main__":
    sys.exit(main())
