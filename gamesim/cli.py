"""The command line: what a person types, in one line each; wrong input is one line and exit code 2.

Exit codes: 0 done (a training that was asked to stop and has saved, too); 2 something that the user can mend
(also: ``doctor`` found a problem, ``record --verify`` a difference); 130 interrupted.

Rooms are imported when a command needs them: the menu must be on screen before torch could be loaded.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from gamesim.errors import UserError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        argv: The words after ``main.py``; None takes those of the process.
    """
    warnings.showwarning = _warn
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return code
    except UserError as error:
        _say(f"gamesim: {' '.join(str(error).split())}")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(words: list[str]) -> int:
    if not words:
        return _play(argparse.Namespace(start=None))
    parser, commands = _parsers()
    first = words[0]
    if not first.startswith("-") and first not in commands:
        raise UserError(f"unknown command '{first}'{_suggest(first, commands)}")
    chosen = commands.get(first)
    if chosen is None:
        parser.parse_args(words)  # --help, --version, or an unknown flag
        return 0
    options, rest = chosen.parser.parse_known_args(words[1:])
    empty = [name for name, value in vars(options).items() if value == ""]
    if empty:  # a shell variable that was never set would otherwise mean the folder that one is in
        raise UserError(f"{first}: {empty[0]} is empty")
    options.settings = []
    for word in rest:
        if word.startswith("-"):
            known = [flag for flag in chosen.parser._option_string_actions if flag.startswith("--")]
            raise UserError(f"{first}: unknown flag '{word}'{_suggest(word.partition('=')[0], known)}")
        if not (chosen.takes_settings and "=" in word):
            wanted = ", expected key=value" if chosen.takes_settings else ""
            raise UserError(f"{first}: unexpected '{word}'{wanted}")
        options.settings.append(word)
    return chosen.run(options)


# ---------------------------------------------------------------------------------- the commands


def _play(options: argparse.Namespace) -> int:
    from gamesim import app

    return app.main(options.start)


def _watch(options: argparse.Namespace) -> int:
    _known_checkpoint(options.checkpoint)
    from gamesim import app

    return app.main(options.checkpoint, watch=True)


def _record(options: argparse.Namespace) -> int:
    if options.verify is not None:
        return _verify(Path(options.verify))
    if options.env is None or options.out is None:
        raise UserError(f"record: {'--env' if options.env is None else '--out'} is missing")
    _known_env(options.env)
    from gamesim import config, rollout

    entries = rollout.record(
        options.env,
        options.policy,
        options.episodes,
        options.out,
        seed=options.seed,
        env_kwargs=config.settings(options.settings),
    )
    steps = sum(entry.length for entry in entries)
    print(f"{len(entries)} episodes, {steps} steps in {options.out}")
    return 0


def _verify(folder: Path) -> int:
    from gamesim.data.verify import verify

    report = verify(folder)
    for file, why in (report.different | report.skipped).items():
        print(f"{file}: {why}")
    print(report)
    return 0 if report.ok else 2


def _train(options: argparse.Namespace) -> int:
    from gamesim import config
    from gamesim.training import STAGES

    stage, preset, settings = None, options.preset, options.settings
    if preset in STAGES:
        chosen_preset = [word for word in settings if word.startswith("preset=")]
        settings = [word for word in settings if word not in chosen_preset]
        stage, preset = preset, chosen_preset[-1].partition("=")[2] if chosen_preset else "world-model"
    chosen = config.load(preset, settings)  # before torch: a typing error shows at once
    if stage is not None and chosen.system != "world-model":
        raise UserError(f"preset={preset}: has no {stage}, it is no world model")
    from gamesim.training import stages

    how = {"device": options.device, "resume": options.resume, "stage": stage}
    ended = stages.train(chosen, options.data, Path(options.out), **how)
    if ended is not None:
        print(f"{ended.outcome}: {ended.checkpoint}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    _known_checkpoint(options.checkpoint)
    _known_place("--json", options.json)
    if options.vision is not None:
        _known_checkpoint(options.vision)
    from gamesim import checkpoint, storage
    from gamesim.evaluation import evaluate, plots

    if options.plots is not None:  # minutes before it is needed
        plots.available()
        if Path(options.plots).is_file():
            raise UserError(f"--plots {options.plots}: not a folder")
    how = {name: getattr(options, name) for name in ("episodes", "seed", "vision", "device")}
    figures = evaluate(options.checkpoint, progress=True, **how)
    text = json.dumps(figures, indent=1)
    print(text)
    if options.json is not None:
        storage.write_file(Path(options.json), f"{text}\n".encode())
    if options.card:
        others = checkpoint.load(options.checkpoint).metrics
        kept = {"temperature": others["temperature"]} if "temperature" in others else {}
        checkpoint.update_metrics(options.checkpoint, figures | kept)
    if options.plots is not None:
        plots.save_plots(figures, options.plots)
    return 0


def _temperature_table(options: argparse.Namespace) -> int:
    _known_checkpoint(options.checkpoint)
    _known_place("--json", options.json)
    _known_place("--plot", options.plot)
    from gamesim.evaluation import plots, temperature

    if options.plot is not None:
        plots.available()  # hours before it is needed
    how = {name: getattr(options, name) for name in ("generations", "episodes", "seed", "device")}
    found = temperature.temperature_table(options.checkpoint, options.data, options.out, **how)
    if found is None:
        print(f"stopped: {options.out}")
        return 0
    print(temperature.table(found))
    card = options.checkpoint if options.card else None
    temperature.write(found, json_file=options.json, plot=options.plot, card=card)
    return 0


def _export(options: argparse.Namespace) -> int:
    out = Path(options.out)
    if options.beside is not None:
        _known_env(options.beside)
        _known_checkpoint(options.start)
    if out.suffix.lower() == ".onnx":
        _known_checkpoint(options.start)
        from gamesim.onnx_export import write_onnx

        write_onnx(options.start, out, temperature=options.temperature)
        print(out)
        return 0
    from gamesim import export

    shown = {name: getattr(options, name) for name in ("steps", "seed", "temperature", "scale")}
    if options.beside is None:
        export.film(options.start, out, **shown)
    else:
        export.film_beside(options.start, options.beside, out, **shown)
    print(out)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from gamesim import doctor

    return doctor.main(Path(options.checkpoints) if options.checkpoints else None)


# ---------------------------------------------------------------------------------- the words


class _Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are `UserError`s of one line."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{self.prog.partition(' ')[2] or self.prog}: {message}")


@dataclass(frozen=True)
class _Command:
    parser: argparse.ArgumentParser
    run: Callable[[argparse.Namespace], int]
    takes_settings: bool


def _parsers() -> tuple[argparse.ArgumentParser, dict[str, _Command]]:
    top = _Parser(
        prog="gamesim",
        allow_abbrev=False,
        description="Play a game, train a neural game engine on what was played, and play inside that. "
        "Without a command: the app.",
    )
    top.add_argument("--version", action="version", version=_version())
    group = top.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    commands: dict[str, _Command] = {}

    def command(
        name: str, run: Callable[[argparse.Namespace], int], text: str, settings: str | None = None
    ) -> argparse.ArgumentParser:
        parser = group.add_parser(name, help=text, description=text, epilog=settings, allow_abbrev=False)
        commands[name] = _Command(parser, run, settings is not None)
        return parser

    play = command("play", _play, "Open the app at a play screen.")
    play.add_argument("start", nargs="?", metavar="ENV_ID | CHECKPOINT", help="none: the menu")

    watch = command("watch", _watch, "Open the app and let an engine's controller drive in its dream.")
    watch.add_argument("checkpoint", metavar="CHECKPOINT")

    record = command(
        "record",
        _record,
        "Record episodes that a policy plays, or check that recordings replay byte for byte.",
        "More words are arguments of the environment: max_steps=200 num_ghosts=5.",
    )
    record.add_argument("--env", metavar="ID", help="such as gamesim/Pacman-v0")
    record.add_argument("--policy", choices=("explorer", "random"), default="explorer")
    record.add_argument("--episodes", type=_count, default=1000, metavar="N")
    record.add_argument("--out", metavar="DIR", help="a folder of recordings; new ones join what is there")
    record.add_argument("--seed", type=_seed, default=0)
    record.add_argument("--verify", metavar="DIR", help="replay every episode in DIR and compare")

    train = command(
        "train",
        _train,
        "Train an engine on recordings.",
        "More words change the preset: training.steps=2000 data.batch_size=16.",
    )
    train.add_argument(
        "preset",
        metavar="PRESET",
        help="a preset's name or a YAML file; or vision, memory or controller: that part of a world model "
        "alone, by preset=NAME (world-model)",
    )
    train.add_argument("--data", metavar="DIR", required=True, help="a folder of recordings")
    train.add_argument("--out", metavar="RUN", required=True, help="the run folder, new or with --resume")
    train.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (auto)")
    train.add_argument("--resume", action="store_true", help="go on exactly where the run in RUN was left")

    evaluate = command("evaluate", _evaluate, "Measure an engine: the figures of its card.")
    evaluate.add_argument("checkpoint", metavar="CHECKPOINT")
    evaluate.add_argument("--episodes", type=_count, default=200, metavar="N")
    evaluate.add_argument("--seed", type=_seed, default=0)
    evaluate.add_argument("--json", metavar="FILE", help="write the figures to a file, too")
    evaluate.add_argument("--card", action="store_true", help="write the figures into the checkpoint")
    evaluate.add_argument("--plots", metavar="DIR", help="draw them, too (needs the extra 'plots')")
    evaluate.add_argument(
        "--vision", metavar="CHECKPOINT", help="a World Models engine, for its V's distances"
    )
    evaluate.add_argument("--device", default="cpu", help="where the engine computes (cpu)")

    temperature = command(
        "temperature",
        _temperature_table,
        "Train a controller in dreams of each temperature, and measure it there and in the real game.",
    )
    temperature.add_argument("checkpoint", metavar="CHECKPOINT", help="a world model, whose V and M are kept")
    temperature.add_argument("--data", metavar="DIR", required=True, help="recordings: where dreams begin")
    temperature.add_argument("--out", metavar="RUN", required=True, help="a folder; what is there goes on")
    temperature.add_argument("--generations", type=_count, default=150, metavar="N", help="of each (150)")
    temperature.add_argument("--episodes", type=_count, default=500, metavar="N", help="of each mean (500)")
    temperature.add_argument("--seed", type=_seed, default=0, help="of what is measured")
    temperature.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (auto)")
    temperature.add_argument("--json", metavar="FILE", help="write the table to a file, too")
    temperature.add_argument("--plot", metavar="FILE", help="draw it (needs the extra plots)")
    temperature.add_argument("--card", action="store_true", help="write the table into the checkpoint")

    export = command("export", _export, "Film a dream or a real game, or write an engine's step as ONNX.")
    export.add_argument("start", metavar="CHECKPOINT | ENV_ID")
    export.add_argument("--out", metavar="FILE", required=True, help="a .gif, .mp4 or .onnx")
    export.add_argument("--beside", metavar="ENV_ID", help="draw the real game, too, under the same keys")
    export.add_argument("--steps", type=_count, default=60, metavar="N")
    export.add_argument("--seed", type=_seed, default=0)
    export.add_argument("--temperature", type=_temperature, default=1.0)
    export.add_argument("--scale", type=_count, default=3, help="screen pixels for each of the frame's")

    doctor = command("doctor", _doctor, "Say what this machine can run, and how fast.")
    doctor.add_argument("--checkpoints", metavar="DIR", help="the engines to time (the shipped ones)")
    return top, commands


def _count(text: str) -> int:
    """Read a whole number of at least 1."""
    return _bounded(text, 1, 10**9)


def _seed(text: str) -> int:
    """Read a seed: 0 .. 2**32 - 1."""
    return _bounded(text, 0, 2**32 - 1)


def _bounded(text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and low <= int(text) <= high):
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a whole number from {low} to {high}")
    return int(text)


def _temperature(text: str) -> float:
    """Read a temperature: 0 .. 10, as dreams have it."""
    try:
        temperature = float(text)
    except ValueError:
        temperature = -1.0
    if not 0 <= temperature <= 10:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a number from 0 to 10")
    return temperature


def _known_env(env_id: str) -> None:
    """Complain about an id that nobody registered, with the nearest one."""
    import gymnasium as gym

    if env_id not in gym.registry and ":" not in env_id:
        ours = [name for name in gym.registry if name.startswith("gamesim/")]
        raise UserError(f"unknown environment '{env_id}'{_suggest(env_id, ours)}")


def _known_checkpoint(folder: str) -> None:
    """Complain about a folder that is not there, before torch is loaded."""
    if not Path(folder).exists():
        from gamesim import storage

        if not storage.exists(Path(folder)):
            raise UserError(f"{folder}: no such checkpoint")


def _known_place(flag: str, file: str | None) -> None:
    """Complain about a file whose folder is not there, before it could be missed."""
    if file is not None and not Path(file).resolve().parent.is_dir():
        raise UserError(f"{flag} {file}: no such folder")


def _suggest(word: str, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1)
    return f", did you mean '{close[0]}'?" if close else f" (there are: {', '.join(sorted(known))})"


def _version() -> str:
    from gamesim import __version__

    return f"gamesim {__version__}"


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody may be listening
        print(line, file=sys.stderr, flush=True)


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    _say(f"gamesim: warning: {' '.join(str(message).split())}")
