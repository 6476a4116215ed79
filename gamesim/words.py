"""The words of the command line: its commands, their flags, and what may stand for each."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import NoReturn

from gamesim import __version__
from gamesim.devices import HELP, spelled
from gamesim.errors import UserError

GAME = "any Gymnasium id, such as gamesim/Pacman-v0 or CartPole-v1, or module:Id for a game of your own"
GAME_SETTINGS = "Extra arguments go to the game, such as max_steps=200 num_ghosts=5."


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are `UserError`s of one line."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{self.prog.partition(' ')[2] or self.prog}: {message}")


@dataclass(frozen=True)
class Command:
    """What may follow a command; `takes_settings`: words such as key=value, too."""

    parser: argparse.ArgumentParser
    takes_settings: bool


class Words:
    """Everything that may be typed.

    Attributes:
        top: Reads what comes before a command: --help, --version.
        commands: Name -> what may follow it.
    """

    def __init__(self) -> None:
        self.top = Parser(
            prog="gamesim",
            allow_abbrev=False,
            description="Play a game, train a neural game engine on what was played, and play inside that. "
            "Without a command: the app.",
        )
        self.top.add_argument("--version", action="version", version=f"gamesim {__version__}")
        self.commands: dict[str, Command] = {}
        self._group = self.top.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
        for add in (_play, _watch, _record, _train, _evaluate, _temperature, _export, _doctor):
            add(self)

    def command(self, name: str, text: str, settings: str | None = None) -> argparse.ArgumentParser:
        """Adds a command; with `settings`, which say what they are, it takes words such as key=value."""
        parser = self._group.add_parser(
            name, help=text, description=text, epilog=settings, allow_abbrev=False
        )
        self.commands[name] = Command(parser, settings is not None)
        return parser


def _play(words: Words) -> None:
    parser = words.command("play", "Open the app at a play screen.", GAME_SETTINGS)
    parser.add_argument("start", nargs="?", metavar="GAME | CHECKPOINT", help=f"{GAME}; none: the menu")
    _shown(parser)
    _device(parser, "cpu", "of the dreams")


def _watch(words: Words) -> None:
    parser = words.command("watch", "Open the app and let an engine's controller drive in its dream.")
    parser.add_argument("checkpoint", metavar="CHECKPOINT")
    _device(parser, "cpu", "of the dreams")


def _record(words: Words) -> None:
    parser = words.command(
        "record",
        "Record episodes that a policy plays, or check that recordings replay byte for byte.",
        GAME_SETTINGS,
    )
    parser.add_argument("--env", metavar="GAME", help=GAME)
    parser.add_argument(
        "--policy",
        choices=("explorer", "random"),
        help="who plays: explorer is the bot, for our own games (default: the bot, else random keys)",
    )
    parser.add_argument(
        "--hold",
        type=_span,
        default=(1, 1),
        metavar="1-10",
        help="random: hold each key for so many steps (default 1)",
    )
    _shown(parser)
    parser.add_argument("--episodes", type=_count, default=1000, metavar="N")
    parser.add_argument("--out", metavar="DIR", help="a folder of recordings; new ones join what is there")
    parser.add_argument("--seed", type=_seed, default=0)
    _device(parser, None, "of gamesim/Dream-v0 (cpu)")
    parser.add_argument("--verify", metavar="DIR", help="replay every episode in DIR and compare")


def _train(words: Words) -> None:
    parser = words.command(
        "train",
        "Train an engine on recordings.",
        "More words change the preset: training.steps=2000 data.batch_size=16.",
    )
    parser.add_argument(
        "preset",
        metavar="PRESET",
        help="a preset's name or a YAML file; or vision, memory or controller: that part of a world model "
        "alone, by preset=NAME (world-model)",
    )
    parser.add_argument("--data", metavar="DIR", required=True, help="a folder of recordings")
    parser.add_argument("--game", metavar="ID", help="the game to train on, where DIR holds several")
    parser.add_argument("--out", metavar="RUN", required=True, help="the run folder, new or with --resume")
    _device(parser, "auto", "that trains")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--resume", action="store_true", help="go on exactly where the run in RUN was left")
    begin.add_argument(
        "--init", metavar="CHECKPOINT", help="begin a new run from an engine's weights (discriminators, too)"
    )
    parser.add_argument("--minutes", type=_minutes, metavar="N", help="stop and save after so many (2.5)")


def _evaluate(words: Words) -> None:
    parser = words.command("evaluate", "Measure an engine: the figures of its card.")
    parser.add_argument("checkpoint", metavar="CHECKPOINT")
    parser.add_argument("--episodes", type=_count, default=200, metavar="N")
    parser.add_argument("--seed", type=_seed, default=0)
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file, too")
    parser.add_argument("--game", metavar="module:Id", help="import the module of a game of your own")
    parser.add_argument("--card", action="store_true", help="write the figures into the checkpoint")
    parser.add_argument("--plots", metavar="DIR", help="draw them, too (needs the extra 'plots')")
    parser.add_argument("--vision", metavar="CHECKPOINT", help="a World Models engine, for its V's distances")
    parser.add_argument("--temperature", type=_heat, default=1.0, help="of the dreams that are judged (1)")
    _device(parser, "cpu", "of the dreams")


def _temperature(words: Words) -> None:
    parser = words.command(
        "temperature",
        "Train a controller in dreams of each temperature, and measure it there and in the real game.",
    )
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="a world model, whose V and M are kept")
    parser.add_argument("--data", metavar="DIR", required=True, help="recordings: where dreams begin")
    parser.add_argument("--out", metavar="RUN", required=True, help="a folder; what is there goes on")
    parser.add_argument("--generations", type=_count, default=150, metavar="N", help="of each (150)")
    parser.add_argument("--episodes", type=_count, default=500, metavar="N", help="of each mean (500)")
    parser.add_argument("--seed", type=_seed, default=0, help="of what is measured")
    _device(parser, "auto", "that trains and dreams")
    parser.add_argument("--json", metavar="FILE", help="write the table to a file, too")
    parser.add_argument("--plot", metavar="FILE", help="draw it (needs the extra plots)")
    parser.add_argument("--card", action="store_true", help="write the table into the checkpoint")


def _export(words: Words) -> None:
    parser = words.command(
        "export",
        "Film a dream or a real game, write an engine's step as ONNX, or an engine in half precision.",
        GAME_SETTINGS,
    )
    parser.add_argument("start", metavar="CHECKPOINT | GAME")
    parser.add_argument(
        "--out",
        metavar="FILE",
        required=True,
        help="a .gif, .mp4 or .onnx, or a folder: the engine as it is shipped, in half precision",
    )
    parser.add_argument("--beside", metavar="GAME", help="draw the real game, too, under the same keys")
    _shown(parser)
    parser.add_argument("--steps", type=_count, default=60, metavar="N")
    parser.add_argument("--seed", type=_seed, default=0)
    parser.add_argument("--temperature", type=_heat, default=1.0)
    parser.add_argument("--scale", type=_count, default=3, help="screen pixels for each of the frame's")
    _device(parser, None, "of a film's dream (cpu)")


def _doctor(words: Words) -> None:
    parser = words.command("doctor", "Say what this machine can run, and how fast.")
    parser.add_argument("--checkpoints", metavar="DIR", help="the engines to time (the shipped ones)")


def _device(parser: argparse.ArgumentParser, default: str | None, whose: str) -> None:
    """Add --device, which is spelled alike everywhere."""
    usual = f" ({default})" if default else ""
    parser.add_argument(
        "--device", type=spelled, default=default, metavar="NAME", help=f"device {whose}{usual}: {HELP}"
    )


def _shown(parser: argparse.ArgumentParser) -> None:
    """How a game is shown that is not ours."""
    parser.add_argument("--size", type=int, choices=(64, 84), help="of the frames, pixels (default 84)")
    parser.add_argument("--stretch", action="store_true", help="fill the frame, without black bars")
    parser.add_argument(
        "--frame-skip", type=_count, default=1, metavar="N", help="play each key for N steps of the game (1)"
    )
    parser.add_argument(
        "--time-limit",
        type=_count,
        metavar="N",
        help="cut games off after N steps (recordings of a game without a limit: 1,000)",
    )


def _span(text: str) -> tuple[int, int]:
    """Read a number of steps, or the fewest and the most: 4, 1-10."""
    low, _, high = text.partition("-")
    found = _bounded(low, 1, 10_000), _bounded(high or low, 1, 10_000)
    if found[0] > found[1]:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a number of steps, or the fewest-the most")
    return found


def _count(text: str) -> int:
    """Read a whole number of at least 1."""
    return _bounded(text, 1, 10**9)


def _minutes(text: str) -> float:
    """Read a time: more than 0 minutes, up to a year of them."""
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes <= 525_600:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a number of minutes above 0")
    return minutes


def _seed(text: str) -> int:
    """Read a seed: 0 .. 2**32 - 1."""
    return _bounded(text, 0, 2**32 - 1)


def _bounded(text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and low <= int(text) <= high):
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a whole number from {low} to {high}")
    return int(text)


def _heat(text: str) -> float:
    """Read a temperature: 0 .. 10, as dreams have it."""
    try:
        temperature = float(text)
    except ValueError:
        temperature = -1.0
    if not 0 <= temperature <= 10:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a number from 0 to 10")
    return temperature
