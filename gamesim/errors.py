"""The one error that a user can mend."""


class UserError(Exception):
    """Bad input: a file, a flag, a setting, a device, a display.

    The message is one line that names the thing. The command line prints it and exits with 2; the
    app shows it on screen.
    """


FOREIGN = (Exception, SystemExit)
"""What code of somebody else's may raise: a game that calls ``sys.exit()`` does not end the app."""
PASSING = (KeyboardInterrupt,)
"""What goes through somebody else's code without being its fault. Whatever else is no `Exception` is: a game
in Rust that panics, a cancelled task of asyncio, or a generator's end that got away."""
