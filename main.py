"""`python main.py` opens the app; `python main.py --help` lists what else there is."""

import signal
import sys

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while all of this is imported: no traceback

try:
    from gamesim.cli import main
except Exception as error:  # of numpy or gymnasium: without them not even `doctor` can be asked
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    usual = isinstance(error, ImportError)  # where its parts do not fit each other, numpy may raise anything
    name = error.name if usual else last and last.tb_frame.f_globals.get("__name__")
    package = str(name or "").partition(".")[0]
    if package == "gamesim":
        raise
    why = " ".join(str(error).split())[:300]
    why = why if usual else f"the package {package} cannot be imported: {type(error).__name__} {why}"
    print(f"gamesim: {why}; start with: uv run main.py, or install with: pip install -e .", file=sys.stderr)
    sys.exit(2)

if __name__ == "__main__":
    sys.exit(main())
