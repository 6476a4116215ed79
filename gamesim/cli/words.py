"""The words of the command line: its commands, their flags, and what may stand for each."""

import argparse
import math
import sys
from collections.abc import Callable, Mapping
from importlib import resources

from gamesim import __version__
from gamesim.devices import HELP, spelled
from gamesim.envs.command_line import Parser, add_flags, whole

GAMES = {
    "gamesim/Pacman-v0": "the paper's game: 40 steps, food, three ghosts and a flag to find",
    "gamesim/PacmanMaze-v0": "the same in a maze, without ghosts",
    "gamesim/PacmanGarden-v0": "the same, drawn in another style",
    "gamesim/PacmanArcade-v0": "the whole board: four ghosts, levels, a high score",
    "gamesim/TakeCover-v0": "Doom's fireballs, as in both papers (needs the extra 'doom')",
}
"""Our own games, a line each."""
GAME = "a game: one from the list below, any Gymnasium id, or module:Id for a game of your own"
GAME_SETTINGS = "Extra arguments such as max_steps=200 num_ghosts=5 are passed to the game."
_USUAL = "(default: %(default)s)"
MODEL = "the folder of a model, such as runs/mine/best, or the name of a shipped one"


def _between(low: float, high: float, said: str) -> Callable[[str], float]:
    """What reads numbers from `low` to `high`; others are not what is `said`."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"'{text[:40]}' is not {said}")
        return number

    return read


_count, _seed, _heat = whole(1), whole(0, 2**32 - 1), _between(0, 10, "a number from 0 to 10")
_minutes = _between(sys.float_info.min, 365 * 24 * 60, "a number of minutes above 0, up to a year")


def _span(text: str) -> tuple[int, int]:
    """Read a number of steps, or the fewest and the most: 4, 1-10."""
    (low, dash, high), read = text.partition("-"), whole(1, 10_000)
    try:
        found = read(low), read(high if dash else low)
    except argparse.ArgumentTypeError:
        found = 1, 0
    if found[0] > found[1]:
        raise argparse.ArgumentTypeError(
            f"'{text[:40]}' is not a number of steps from 1 to 10000, or a range such as 1-10"
        )
    return found


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
            epilog="gamesim COMMAND --help explains a command.",
        )
        self.top.add_argument("--version", action="version", version=f"gamesim {__version__}")
        self.commands: dict[str, Parser] = {}
        self._group = self.top.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
        for add in (_play, _watch, _record, _train, _evaluate, _temperature, _export, _lab, _doctor):
            add(self)

    def command(self, name: str, text: str, *settings: str) -> Parser:
        """Adds a command; one with `settings`, in which its help ends, takes words such as key=value, too."""
        parser = self._group.add_parser(
            name,
            help=text,
            description=text,
            epilog="\n\n".join(settings) or None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.commands[name], parser.takes_settings = parser, bool(settings)
        return parser


def _play(words: Words) -> None:
    parser = words.command("play", "Open the app in a game or in a dream.", *_of_games())
    parser.add_argument(
        "start", nargs="?", metavar="GAME | MODEL", help=f"{GAME}; or {MODEL} (default: open the menu)"
    )
    add_flags(parser)
    _device(parser, "cpu", "that computes dreams")


def _watch(words: Words) -> None:
    parser = words.command("watch", "Watch a World Model's AI play in its dream.")
    parser.add_argument("checkpoint", metavar="MODEL", help=MODEL)
    _device(parser, "cpu", "that computes dreams")


def _record(words: Words) -> None:
    parser = words.command(
        "record",
        "Record games that a bot plays, or check that recordings replay byte for byte.",
        *_of_games(),
    )
    parser.add_argument("--env", metavar="GAME", help=GAME)
    parser.add_argument(
        "--policy",
        metavar="NAME",
        help="who plays: the bot (explorer), random keys (random), a deep Q-network (dqn; needs the extra "
        "'agents'), a graph convolutional network (gcn), a player that another package adds, or the "
        "controller of a model (its folder). The bot, dqn and gcn know only our Pac-Man games (default: the "
        "bot if it knows the game, else random keys)",
    )
    parser.add_argument(
        "--epsilon",
        type=_between(0, 1, "a share from 0 to 1"),
        default=0.0,
        metavar="0-1",
        help="with a model: replace this share of its keys by random ones (default: 0)",
    )
    parser.add_argument(
        "--hold",
        type=_span,
        default=(1, 1),
        metavar="1-10",
        help="hold each random key for this many steps (default: 1)",
    )
    add_flags(parser)
    _number(parser, "--episodes", 1000, "games to record")
    parser.add_argument("--out", metavar="DIR", help="folder for the recordings (appended to)")
    _number(parser, "--seed", 0, "random seed of the first game", _seed)
    _device(parser, None, "that computes gamesim/Dream-v0 (default: cpu)")
    parser.add_argument(
        "--verify", metavar="DIR", help="instead of recording: replay all recordings in DIR and compare"
    )


def _train(words: Words) -> None:
    parser = words.command(
        "train",
        "Train a model on recordings.",
        _presets(),
        "Extra arguments such as training.steps=2000 data.batch_size=16 change settings of the preset.",
    )
    parser.add_argument(
        "preset",
        metavar="PRESET",
        help="a preset from the list below, or a YAML file. To train only one part of a World Model, say "
        "vision, memory or controller here, and add preset=NAME (default: world-model)",
    )
    parser.add_argument("--data", metavar="DIR", required=True, help="folder of recordings")
    parser.add_argument("--game", metavar="ID", help="which game to train on, if DIR holds several")
    parser.add_argument(
        "--out", metavar="RUN", required=True, help="folder for the run; a new one, except with --resume"
    )
    _device(parser, "auto", "to train on")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--resume", action="store_true", help="continue the run in RUN where it stopped")
    begin.add_argument(
        "--init", metavar="MODEL", help="start a new run from a model's weights (and its discriminators)"
    )
    parser.add_argument(
        "--minutes", type=_minutes, metavar="N", help="save and stop after N minutes, such as 2.5"
    )


def _evaluate(words: Words) -> None:
    parser = words.command("evaluate", "Measure how good a model is.")
    parser.add_argument("checkpoint", metavar="MODEL", help=MODEL)
    _number(parser, "--episodes", 200, "games to measure on")
    _number(parser, "--seed", 0, "random seed of the games and dreams", _seed)
    parser.add_argument("--json", metavar="FILE", help="also write the results to FILE")
    parser.add_argument(
        "--game", metavar="module:Id", help="the game, if it is one of your own: imports its module"
    )
    parser.add_argument("--card", action="store_true", help="also write the results to the model's card")
    parser.add_argument("--plots", metavar="DIR", help="also draw plots (needs the extra 'plots')")
    parser.add_argument(
        "--vision", metavar="MODEL", help="a World Model; its V measures how alike two pictures are"
    )
    _number(parser, "--temperature", 1.0, "temperature used for the dreams", _heat, "T")
    _device(parser, "cpu", "to compute on")


def _temperature(words: Words) -> None:
    parser = words.command(
        "temperature",
        "Train controllers in dreams at several temperatures,\nand measure each in its dream and in the real "
        "game.",
    )
    parser.add_argument("checkpoint", metavar="MODEL", help="a World Model; its V and M stay as they are")
    parser.add_argument("--data", metavar="DIR", required=True, help="recordings that the dreams start from")
    parser.add_argument(
        "--out", metavar="RUN", required=True, help="folder for the runs; unfinished runs in it are continued"
    )
    _number(parser, "--generations", 150, "generations per temperature")
    _number(parser, "--episodes", 500, "games per measurement")
    _number(parser, "--seed", 0, "random seed of the measurements", _seed)
    _device(parser, "auto", "to train on")
    parser.add_argument("--json", metavar="FILE", help="also write the table to FILE")
    parser.add_argument("--plot", metavar="FILE", help="also draw the table (needs the extra 'plots')")
    parser.add_argument("--card", action="store_true", help="also write the table to the model's card")


def _export(words: Words) -> None:
    parser = words.command(
        "export", "Film a game or a dream, or write a model as ONNX or in half precision.", *_of_games()
    )
    parser.add_argument("start", metavar="MODEL | GAME", help=f"{MODEL}; or {GAME}")
    parser.add_argument(
        "--out",
        metavar="FILE",
        required=True,
        help=".gif or .mp4: a film; .onnx: the model as ONNX; a folder: the model in half precision",
    )
    parser.add_argument(
        "--beside", metavar="GAME", help="show this game beside the dream, under the same keys"
    )
    add_flags(parser)
    _number(parser, "--steps", 60, "length in steps")
    _number(parser, "--seed", 0, "random seed of the game or dream", _seed)
    _number(parser, "--temperature", 1.0, "temperature of the dream", _heat, "T")
    _number(parser, "--scale", 3, "enlarge each pixel N times")
    _device(parser, None, "that computes the dream in a film (default: cpu)")


def _lab(words: Words) -> None:
    parser = words.command(
        "lab",
        "Play with another method (VAE, GAN, DQN ...), or make its pictures and figures without a window.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="which lab (default: list them all)")
    parser.add_argument(
        "--headless", action="store_true", help="open no window: run the lab's steps, then write files"
    )
    parser.add_argument("--out", metavar="DIR", help="with --headless: folder for the pictures and figures")
    parser.add_argument(
        "--steps",
        type=whole(0),
        metavar="N",
        help="with --headless: steps to take (default: as many as the lab needs)",
    )
    _number(parser, "--seed", 0, "random seed of the lab", _seed)
    parser.add_argument(
        "--data", metavar="DIR", help="recordings to learn from (default: the lab plays games itself)"
    )
    parser.add_argument(
        "--checkpoint",
        metavar="MODEL",
        help="the model to look into, if the lab looks into one; of gan and cyclegan, a folder of weights "
        "that gamesim.labs.train made",
    )
    parser.add_argument(
        "--set",
        action="extend",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="set the lab's controls; NAME=press presses a button. A wrong NAME lists all controls",
    )


def _doctor(words: Words) -> None:
    parser = words.command("doctor", "Check what this machine can run, and how fast.")
    parser.add_argument(
        "--checkpoints", metavar="DIR", help="folder of models to time (default: the shipped ones)"
    )


def _of_games() -> tuple[str, str]:
    return _listed("games", GAMES), GAME_SETTINGS


def _presets() -> str:
    """Every preset with the first line of its file, which says in a comment what it is."""
    files = (resources.files("gamesim") / "presets").iterdir()
    lines = {file.name.removesuffix(".yaml"): file.read_text("utf-8").partition("\n")[0] for file in files}
    return _listed("presets", {name: lines[name].removeprefix("# ").rstrip(".") for name in sorted(lines)})


def _listed(title: str, lines: Mapping[str, str]) -> str:
    wide = max(map(len, lines))
    return "\n".join([f"{title}:", *(f"  {name:{wide}}  {line}" for name, line in lines.items())])


def _number(
    parser: Parser,
    flag: str,
    usual: float,
    text: str,
    read: Callable[[str], float] = _count,
    metavar: str = "N",
) -> None:
    """Add a flag that has a number, which its help names."""
    parser.add_argument(flag, type=read, default=usual, metavar=metavar, help=f"{text} {_USUAL}")


def _device(parser: Parser, default: str | None, whose: str) -> None:
    """Add --device, which is spelled alike everywhere."""
    usual = f" {_USUAL}" if default else ""
    parser.add_argument(
        "--device", type=spelled, default=default, metavar="NAME", help=f"device {whose}: {HELP}{usual}"
    )
