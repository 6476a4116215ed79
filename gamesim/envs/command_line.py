"""A game as somebody types it: its id, flags such as ``--levels 9,5,5``, and ``key=value`` for the game.

The command line and the app read it here, and complain in the same words.
"""

import argparse
import os
import shlex
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from gamesim.errors import UserError
from gamesim.text import one_line, suggest

if TYPE_CHECKING:
    from gamesim.envs.recipe import Recipe


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are `UserError`s of one line.

    Attributes:
        takes_settings: whether words such as key=value may follow, too.
    """

    takes_settings = False

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{self.command}: {message}")

    @property
    def command(self) -> str:
        """What its complaints begin with."""
        return self.prog.partition(" ")[2] or self.prog

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """What was typed; ``settings`` are the words such as key=value.

        Raises:
            UserError: One of the words makes no sense here.
        """
        options, rest = self.parse_known_args(words)
        self._warn_of_repeats(words)
        empty = [name for name, value in vars(options).items() if value == ""]
        if empty:  # a shell variable that was never set would otherwise mean the folder that one is in
            raise UserError(f"{self.command}: {empty[0]} is empty")
        for name, value in vars(options).items():
            if isinstance(value, str):  # the shell leaves --out=~/mine as it is
                setattr(options, name, os.path.expanduser(value))
        options.settings = []
        for word in rest:
            if word.startswith("-"):
                known = [flag for flag in self._option_string_actions if flag.startswith("--")]
                hint = suggest(word.partition("=")[0], known, listed=True)
                raise UserError(f"{self.command}: unknown flag '{word}'{hint}")
            if not (self.takes_settings and "=" in word):
                wanted = ", expected key=value" if self.takes_settings else ""
                raise UserError(f"{self.command}: unexpected '{word}'{wanted}")
            key = word.partition("=")[0]
            if {each for each in options.settings if each.startswith(f"{key}=")} - {word}:
                warnings.warn(f"'{key}' is given twice: {word} counts", stacklevel=2)
            options.settings.append(word)
        return options

    def _warn_of_repeats(self, words: Sequence[str]) -> None:
        """Say which value counts of a flag that was given two of them."""
        given: dict[str, str] = {}
        for word, after in zip(words, [*words[1:], ""], strict=False):
            flag, sign, value = word.partition("=")
            action = self._option_string_actions.get(flag)
            if action is None or action.nargs == 0:
                continue
            value = value if sign else after
            if given.get(flag, value) != value:
                warnings.warn(f"{flag} is given twice: {value} counts", stacklevel=3)
            given[flag] = value


def whole(low: int, high: int = 10**9) -> Callable[[str], int]:
    """What reads whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 12 and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a whole number from {low} to {high}")
        return int(text)

    return read


def _levels(text: str) -> tuple[int, ...]:
    """Read how many values each of some numbers may take: 9,5,5."""
    return tuple(map(int, map(whole(2, 256), text.split(","))))


def add_flags(parser: Parser) -> None:
    """How a game is shown that is not ours."""
    parser.add_argument(
        "--size", type=int, choices=(64, 84), help="width and height of the frames in pixels (default: 84)"
    )
    parser.add_argument("--stretch", action="store_true", help="fill the frame, without black bars")
    parser.add_argument(
        "--frame-skip",
        type=whole(1),
        default=1,
        metavar="N",
        help="play each key for N steps of the game (default: %(default)s)",
    )
    parser.add_argument(
        "--time-limit",
        type=whole(1),
        metavar="N",
        help="end a game after N steps (default: its own limit; 1000 when recording a game without one)",
    )
    parser.add_argument(
        "--levels",
        type=_levels,
        default=(),
        metavar="N,...",
        help="how many values each number of an action may take, such as 9,5,5 for CarRacing (default: its "
        "ends, one number at a time)",
    )


def flags(options: argparse.Namespace) -> dict[str, Any]:
    """What `add_flags` read."""
    return {
        name: getattr(options, name) for name in ("size", "stretch", "frame_skip", "time_limit", "levels")
    }


def recipe(env_id: str, options: argparse.Namespace) -> "Recipe":
    """The game that was typed, after a look whether there is one: its module is imported.

    Raises:
        UserError: There is none, or its package is not installed.
    """
    from gamesim import config
    from gamesim.envs.recipe import Recipe, find

    found = Recipe(env_id, config.settings(options.settings), **flags(options))
    find(env_id)
    return found


def game(line: str) -> "Recipe":
    """The game of a line such as ``CarRacing-v3 --levels 9,5,5``, made once if it is not shown as usual.

    Raises:
        UserError: There is no such game, it cannot be made so, or a word makes no sense.
    """
    from gamesim.envs.recipe import make

    parser = Parser(prog="game", add_help=False, allow_abbrev=False)
    parser.takes_settings = True
    parser.add_argument("game", metavar="GAME")
    add_flags(parser)
    try:
        options = parser.read(shlex.split(line))
    except ValueError as error:  # a quotation mark without another
        raise UserError(f"'{one_line(line, 80)}': {one_line(error).lower()}") from None
    found = recipe(options.game, options)
    if found.words:
        make(found).close()
    return found
