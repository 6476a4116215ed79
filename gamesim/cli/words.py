"""The words of the command line: its commands, their flags, and what may stand for each."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import NoReturn

from gamesim import __version__
from gamesim.devices import HELP, spelled
from gamesim.errors import UserError

GAMES = {
    "gamesim/Pacman-v0": "the paper's game: 40 steps, food, three ghosts and a flag to find",
    "gamesim/PacmanMaze-v0": "the same in a maze, without ghosts",
    "gamesim/PacmanGarden-v0": "the same, drawn in another style",
    "gamesim/PacmanArcade-v0": "the whole board: four ghosts, levels, a high score",
    "gamesim/TakeCover-v0": "Doom's fireballs, as in both papers (needs the extra 'doom')",
}
"""Our own games, a line each."""
GAME = "a game: one of the list below, any Gymnasium id, or module:Id for a game of your own"
GAME_SETTINGS = "Extra arguments go to the game, such as max_steps=200 num_ghosts=5."
_USUAL = "(default: %(default)s)"
MODEL = "the folder of a model, such as runs/mine/best, or the name of a shipped one"


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
            formatter_class=argparse.RawDescriptionHelpFormatter,
            description="Play a game, train a model on recordings of it, and play inside the model.\n"
            "Without a command, the app opens.",
            epilog="gamesim COMMAND --help says more about a command.",
        )
        self.top.add_argument("--version", action="version", version=f"gamesim {__version__}")
        self.commands: dict[str, Command] = {}
        self._group = self.top.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
        for add in (_play, _watch, _record, _train, _evaluate, _temperature, _export, _lab, _doctor):
            add(self)

    def command(
        self, name: str, text: str, *lists: str, takes_settings: bool = False
    ) -> argparse.ArgumentParser:
        """Adds a command; what `lists` say stands below its flags."""
        parser = self._group.add_parser(
            name,
            help=text,
            description=text,
            epilog="\n\n".join(lists) or None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.commands[name] = Command(parser, takes_settings)
        return parser


def _play(words: Words) -> None:
    parser = words.command(
        "play", "Open the app in a game or in a dream.", _games(), GAME_SETTINGS, takes_settings=True
    )
    parser.add_argument(
        "start", nargs="?", metavar="GAME | MODEL", help=f"{GAME}; or {MODEL} (default: open the menu)"
    )
    _shown(parser)
    _device(parser, "cpu", "that computes dreams")


def _watch(words: Words) -> None:
    parser = words.command("watch", "Watch a World Model's AI play in its dream.")
    parser.add_argument("checkpoint", metavar="MODEL", help=MODEL)
    _device(parser, "cpu", "that computes dreams")


def _record(words: Words) -> None:
    parser = words.command(
        "record",
        "Record games that a bot plays, or check that recordings replay byte for byte.",
        _games(),
        GAME_SETTINGS,
        takes_settings=True,
    )
    parser.add_argument("--env", metavar="GAME", help=GAME)
    parser.add_argument(
        "--policy",
        metavar="NAME",
        help="who plays: the bot (explorer), random keys (random), a deep Q-network (dqn; needs the extra "
        "'agents'), a graph convolutional network (gcn), or one that another package adds. All of ours but "
        "random know only our Pac-Man games (default: the bot where it knows the game, else random keys)",
    )
    parser.add_argument(
        "--hold",
        type=_span,
        default=(1, 1),
        metavar="1-10",
        help="with random keys: hold each key for this many steps (default: 1)",
    )
    _shown(parser)
    parser.add_argument(
        "--episodes", type=_count, default=1000, metavar="N", help=f"games to record {_USUAL}"
    )
    parser.add_argument("--out", metavar="DIR", help="folder for the recordings (appended to)")
    _seed_of(parser, "the first game")
    _device(parser, None, "that computes gamesim/Dream-v0 (default: cpu)")
    parser.add_argument("--verify", metavar="DIR", help="instead: replay every recording in DIR and compare")


def _train(words: Words) -> None:
    parser = words.command(
        "train",
        "Train a model on recordings.",
        _presets(),
        "Extra arguments change the preset, such as training.steps=2000 data.batch_size=16.",
        takes_settings=True,
    )
    parser.add_argument(
        "preset",
        metavar="PRESET",
        help="a preset of the list below, or a YAML file. To train one part of a World Model: vision, memory "
        "or controller, with preset=NAME (default: world-model)",
    )
    parser.add_argument("--data", metavar="DIR", required=True, help="folder of recordings")
    parser.add_argument("--game", metavar="ID", help="which game to train on, if DIR holds several")
    parser.add_argument(
        "--out", metavar="RUN", required=True, help="folder for the run: new, or with --resume"
    )
    _device(parser, "auto", "to train on")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--resume", action="store_true", help="continue the run in RUN where it stopped")
    begin.add_argument(
        "--init", metavar="MODEL", help="start a new run from a model's weights (its discriminators, too)"
    )
    parser.add_argument(
        "--minutes", type=_minutes, metavar="N", help="save and stop after N minutes, such as 2.5"
    )


def _evaluate(words: Words) -> None:
    parser = words.command("evaluate", "Measure how good a model is.")
    parser.add_argument("checkpoint", metavar="MODEL", help=MODEL)
    parser.add_argument(
        "--episodes", type=_count, default=200, metavar="N", help=f"games to measure on {_USUAL}"
    )
    _seed_of(parser, "the games and dreams")
    parser.add_argument("--json", metavar="FILE", help="also write the results to FILE")
    parser.add_argument("--game", metavar="module:Id", help="import the module of a game of your own")
    parser.add_argument("--card", action="store_true", help="also write the results to the model's card")
    parser.add_argument("--plots", metavar="DIR", help="also draw plots (needs the extra 'plots')")
    parser.add_argument(
        "--vision", metavar="MODEL", help="a World Model, whose V measures how alike two pictures are"
    )
    parser.add_argument(
        "--temperature",
        type=_heat,
        default=1.0,
        metavar="T",
        help=f"temperature used for the dreams {_USUAL}",
    )
    _device(parser, "cpu", "to compute on")


def _temperature(words: Words) -> None:
    parser = words.command(
        "temperature",
        "Train controllers in dreams at several temperatures,\nand measure each in its dream and in the real "
        "game.",
    )
    parser.add_argument("checkpoint", metavar="MODEL", help="a World Model; its V and M stay as they are")
    parser.add_argument("--data", metavar="DIR", required=True, help="recordings for dreams to start from")
    parser.add_argument(
        "--out", metavar="RUN", required=True, help="folder for the runs; those in it are continued"
    )
    parser.add_argument(
        "--generations", type=_count, default=150, metavar="N", help=f"generations per temperature {_USUAL}"
    )
    parser.add_argument(
        "--episodes", type=_count, default=500, metavar="N", help=f"games per measurement {_USUAL}"
    )
    _seed_of(parser, "the measurements")
    _device(parser, "auto", "to train on")
    parser.add_argument("--json", metavar="FILE", help="also write the table to FILE")
    parser.add_argument("--plot", metavar="FILE", help="also draw the table (needs the extra 'plots')")
    parser.add_argument("--card", action="store_true", help="also write the table to the model's card")


def _export(words: Words) -> None:
    parser = words.command(
        "export",
        "Film a game or a dream, or write a model as ONNX or in half precision.",
        _games(),
        GAME_SETTINGS,
        takes_settings=True,
    )
    parser.add_argument("start", metavar="MODEL | GAME", help=f"{MODEL}; or {GAME}")
    parser.add_argument(
        "--out",
        metavar="FILE",
        required=True,
        help=".gif or .mp4: a film; .onnx: the model for ONNX; a folder: the model in half precision",
    )
    parser.add_argument("--beside", metavar="GAME", help="show this game beside the dream, same keys")
    _shown(parser)
    parser.add_argument("--steps", type=_count, default=60, metavar="N", help=f"length in steps {_USUAL}")
    _seed_of(parser, "the game or dream")
    parser.add_argument(
        "--temperature", type=_heat, default=1.0, metavar="T", help=f"temperature of the dream {_USUAL}"
    )
    parser.add_argument(
        "--scale", type=_count, default=3, metavar="N", help=f"enlarge each pixel N times {_USUAL}"
    )
    _device(parser, None, "that computes a film's dream (default: cpu)")


def _lab(words: Words) -> None:
    parser = words.command(
        "lab", "Play with another method of the lecture, or make its pictures and figures without a window."
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="which lab (default: list them all)")
    parser.add_argument(
        "--headless", action="store_true", help="open no window: take steps, then write files"
    )
    parser.add_argument("--out", metavar="DIR", help="with --headless: folder for the pictures and figures")
    parser.add_argument(
        "--steps",
        type=_any_count,
        metavar="N",
        help="with --headless: steps to take (default: as many as the lab needs)",
    )
    _seed_of(parser, "the lab")
    parser.add_argument("--data", metavar="DIR", help="recordings to learn from (default: games of its own)")
    parser.add_argument("--checkpoint", metavar="MODEL", help="for labs that look into a model: which one")
    parser.add_argument(
        "--set",
        action="extend",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="values of its controls; a button is pressed by NAME=press. A wrong NAME lists them",
    )


def _doctor(words: Words) -> None:
    parser = words.command("doctor", "Check what this machine can run, and how fast.")
    parser.add_argument(
        "--checkpoints", metavar="DIR", help="folder of models to time (default: shipped ones)"
    )


def _games() -> str:
    return _listed("games", GAMES)


def _presets() -> str:
    """Every preset with the first line of its file, which says in a comment what it is."""
    files = (resources.files("gamesim") / "presets").iterdir()
    lines = {file.name.removesuffix(".yaml"): file.read_text("utf-8").partition("\n")[0] for file in files}
    return _listed("presets", {name: lines[name].removeprefix("# ").rstrip(".") for name in sorted(lines)})


def _listed(title: str, lines: Mapping[str, str]) -> str:
    wide = max(map(len, lines))
    return "\n".join([f"{title}:", *(f"  {name:{wide}}  {line}" for name, line in lines.items())])


def _seed_of(parser: argparse.ArgumentParser, whose: str) -> None:
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help=f"random seed of {whose} {_USUAL}")


def _device(parser: argparse.ArgumentParser, default: str | None, whose: str) -> None:
    """Add --device, which is spelled alike everywhere."""
    usual = f" {_USUAL}" if default else ""
    parser.add_argument(
        "--device", type=spelled, default=default, metavar="NAME", help=f"device {whose}: {HELP}{usual}"
    )


def _shown(parser: argparse.ArgumentParser) -> None:
    """How a game is shown that is not ours."""
    parser.add_argument(
        "--size", type=int, choices=(64, 84), help="width and height of the frames in pixels (default: 84)"
    )
    parser.add_argument("--stretch", action="store_true", help="fill the frame, without black bars")
    parser.add_argument(
        "--frame-skip",
        type=_count,
        default=1,
        metavar="N",
        help=f"play each key for N steps of the game {_USUAL}",
    )
    parser.add_argument(
        "--time-limit",
        type=_count,
        metavar="N",
        help="end a game after N steps (default: its own limit; 1000 when recording a game without one)",
    )


def _span(text: str) -> tuple[int, int]:
    """Read a number of steps, or the fewest and the most: 4, 1-10."""
    low, dash, high = text.partition("-")
    try:
        found = _bounded(low, 1, 10_000), _bounded(high if dash else low, 1, 10_000)
    except argparse.ArgumentTypeError:
        found = 1, 0
    if found[0] > found[1]:
        raise argparse.ArgumentTypeError(
            f"'{text[:40]}' is not a number of steps from 1 to 10000, or a range such as 1-10"
        )
    return found


def _count(text: str) -> int:
    """Read a whole number of at least 1."""
    return _bounded(text, 1, 10**9)


def _any_count(text: str) -> int:
    """Read a whole number of at least 0."""
    return _bounded(text, 0, 10**9)


def _minutes(text: str) -> float:
    """Read a time: more than 0 minutes, up to a year of them."""
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes <= 525_600:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a number of minutes above 0, up to a year")
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
