"""The command line (`words` has all that can be typed); wrong input gives one line and exit code 2.

Exit codes: 0 done (a training that was asked to stop and has saved, too); 2 something that the user can
mend (also if ``doctor`` found a problem, or ``record --verify`` a difference); 128 and the number of the
signal that ended it, such as 130 after Ctrl-C.

Packages are imported when a command needs them: the menu must be on screen before torch is loaded.
"""

import argparse
import contextlib
import json
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gamesim import outputs, shipped, signals
from gamesim.cli import checks, packages, streams
from gamesim.cli.words import Words
from gamesim.envs import command_line
from gamesim.errors import UserError
from gamesim.text import counted, one_line, reason, suggest


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        argv: The words after ``main.py``; None takes those of the process.
    """
    streams.prepare()
    warnings.showwarning = _Warner()
    try:
        with signals.interrupting():
            return _told(list(sys.argv[1:] if argv is None else argv))
    except UserError as error:
        _say(f"gamesim: {' '.join(str(error).split())}")
        return 2
    except signals.Interrupted as error:
        return 128 + error.number
    except KeyboardInterrupt:
        return 130
    except MemoryError:
        _say("gamesim: out of memory")
        return 2
    except ImportError as error:  # a package is not installed, or not as it should be
        if (error.name or "").partition(".")[0] == "gamesim":
            raise
        _say(f"gamesim: {one_line(error)}; the command doctor says which packages are missing")
        return 2
    except Exception as error:
        if package := packages.broken(error):
            how = "the command doctor says what else is missing"
            _say(f"gamesim: the package {package} cannot be imported: {one_line(error)}; {how}")
        elif isinstance(error, OSError):  # no rights, a name that is too long, a disk that went away
            _say(f"gamesim: {error.filename or _place()}: {reason(error)}")
        else:
            raise
        return 2


def _told(words: list[str]) -> int:
    """The exit code of a command: 2 where not all that it said could be printed."""
    code = 0
    try:
        code = _run(words)
    except SystemExit:  # --help and --version leave so
        if not streams.failure():
            raise
    if lost := streams.failure():
        _say(f"gamesim: not everything could be printed: {reason(lost)}")
    return 2 if lost else code


def _place() -> str:
    """Where something went wrong that names no file."""
    try:
        return str(Path.cwd())
    except OSError:  # it was deleted while the shell stood in it
        return "the current folder"


def _run(words: list[str]) -> int:
    if not words:
        return _run(["play"])
    known, runs = Words(), _runs()
    first = words[0]
    if not first.startswith("-") and first not in runs:
        raise UserError(f"unknown command '{first}'{suggest(first, runs, listed=True)}")
    chosen = known.commands.get(first)
    if chosen is None:
        known.top.parse_args(words)  # --help, --version, or an unknown flag
        return 0
    options = chosen.read(words[1:])
    return runs[first](options) if first == "train" or checks.works(first) else 0


def _runs() -> dict[str, Callable[[argparse.Namespace], int]]:
    return {
        "play": _play,
        "watch": _watch,
        "record": _record,
        "train": _train,
        "evaluate": _evaluate,
        "temperature": _temperature_table,
        "export": _export,
        "lab": _lab,
        "doctor": _doctor,
    }


# ---------------------------------------------------------------------------------- the commands


def _play(options: argparse.Namespace) -> int:
    from gamesim import app

    if not options.start and (said := checks.said_of_a_game(options)):
        raise UserError(f"play: {said} needs a game, and GAME is missing")
    here = Path.cwd()  # before the game, which may change the folder
    return app.main(checks.start(options) if options.start else None, device=options.device, place=here)


def _watch(options: argparse.Namespace) -> int:
    checks.known_checkpoint(options.checkpoint)
    from gamesim import app

    return app.main(options.checkpoint, watch=True, device=options.device)


def _record(options: argparse.Namespace) -> int:
    if options.verify is not None:
        checks.check_alone(options)
        return _verify(Path(options.verify))
    if options.env is None or options.out is None:
        raise UserError(f"record: {'--env' if options.env is None else '--out'} is missing")
    checks.known_place("--out", options.out, outputs.check_folder)
    if options.device is not None:
        if options.env != "gamesim/Dream-v0":
            raise UserError(f"record: --device works with gamesim/Dream-v0 only, not with {options.env}")
        checks.said_once("--device", "device", options.settings)
        options.settings.append(f"device={options.device}")
    out = Path(options.out).absolute()  # before the game, which may change the folder
    game = command_line.recipe(options.env, options)
    if options.policy and Path(options.policy).expanduser().is_dir():
        checks.known_player(options.policy)
    from gamesim.agents.record import record

    entries = record(
        game,
        options.policy or checks.usual_player(game),
        options.episodes,
        out,
        seed=options.seed,
        hold=options.hold,
        epsilon=options.epsilon,
    )
    steps = sum(entry.length for entry in entries)
    asked = "stopped: " if len(entries) < options.episodes else ""
    print(f"{asked}{counted(len(entries), 'game')}, {counted(steps, 'step')} in {options.out}")
    return 0


def _verify(folder: Path) -> int:
    from gamesim.data.store.verify import verify

    report = verify(folder)
    for file, why in (report.different | report.skipped).items():
        print(f"{file}: {why}")
    for why in report.damaged.values():  # it names the file
        print(why)
    print(report)
    return 0 if report.ok else 2


def _train(options: argparse.Namespace) -> int:
    from gamesim import config
    from gamesim.systems import systems, with_part

    stage, preset, settings = None, options.preset, options.settings
    whole = with_part(preset)
    if whole is not None:
        chosen_preset = [word for word in settings if word.startswith("preset=")]
        settings = [word for word in settings if word not in chosen_preset]
        stage, preset = preset, chosen_preset[-1].partition("=")[2] if chosen_preset else whole.name
    if options.game is not None:
        checks.said_once("--game", "data.game", settings)
        settings = [*settings, f"data.game={json.dumps(options.game)}"]
    chosen = config.load(preset, settings)  # before torch: a typing error shows at once
    if whole is not None and stage not in systems()[chosen.system].parts:
        raise UserError(f"preset={preset}: it is not a {whole.title}, so it has no {stage}")
    checks.known_place("--out", options.out, outputs.check_folder)
    if options.init is not None:
        checks.known_checkpoint(options.init)
    from gamesim.training import stages

    how = {name: getattr(options, name) for name in ("device", "resume", "minutes", "init")}
    ended = stages.train(chosen, options.data, Path(options.out), stage=stage, **how)
    if ended is not None:
        how_on = "--resume" if options.init is None else "--resume instead of --init"
        more = "" if ended.outcome == "done" else f"; to continue, run the same command with {how_on}"
        print(f"{ended.outcome}: {ended.checkpoint}{more}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    checks.known_checkpoint(options.checkpoint)
    checks.known_place("--json", options.json)
    checks.known_place("--plots", options.plots, outputs.check_folder)
    checks.known_card(options)
    if options.vision is not None:
        checks.known_vision(options)
    checks.known_world(options)
    from gamesim import checkpoint, storage, text
    from gamesim.evaluation import plots
    from gamesim.evaluation.evaluate import evaluate

    if options.card and options.temperature != 1:
        raise UserError("--card: a card holds only what was measured at temperature 1")
    if options.plots is not None:  # minutes before it is needed
        plots.available()
    how = {name: getattr(options, name) for name in ("episodes", "seed", "vision", "device", "temperature")}
    measured = checkpoint.fingerprint(options.checkpoint) if options.card else None  # it may be in training
    figures = evaluate(options.checkpoint, progress=True, **how)
    written = text.to_json(figures, indent=1)
    print(written.decode(), end="")
    if options.json is not None:
        storage.write_file(Path(options.json), written)
    if options.plots is not None:
        plots.save_plots(figures, options.plots)
    if options.card:
        checkpoint.update_metrics(options.checkpoint, figures, of=measured, kept=["temperature"])
    return 0


def _temperature_table(options: argparse.Namespace) -> int:
    checks.known_checkpoint(options.checkpoint)
    checks.known_place("--json", options.json)
    checks.known_place("--plot", options.plot)
    checks.known_place("--out", options.out, outputs.check_folder)
    checks.known_card(options)
    from gamesim import checkpoint, storage, text
    from gamesim.evaluation import plots, temperature

    checks.whole_paths(options)
    if options.plot is not None:
        plots.check(options.plot)  # hours before it is needed
    how = {name: getattr(options, name) for name in ("generations", "episodes", "seed", "device")}
    measured = checkpoint.fingerprint(options.checkpoint) if options.card else None
    found = temperature.temperature_table(options.checkpoint, options.data, options.out, **how)
    if found is None:
        print(f"stopped: {options.out}")
        return 0
    print(temperature.table(found))
    if options.json is not None:
        storage.write_file(Path(options.json), text.to_json(found, indent=1))
    if options.plot is not None:
        temperature.save_plot(found, options.plot)
    if options.card:
        checkpoint.update_metrics(options.checkpoint, {"temperature": found}, of=measured, kept=None)
    return 0


def _export(options: argparse.Namespace) -> int:
    out, place, beside = Path(options.out), Path(options.out).absolute(), None  # a game may change the folder
    if options.beside is not None:
        beside = command_line.recipe(options.beside, options)
        checks.known_checkpoint(options.start)
    kind = out.suffix.lower()
    if out.name.lower() in (".gif", ".mp4", ".onnx"):  # to a path that is a hidden folder
        raise UserError(f"--out {out}: it has no name before {out.name}")
    if kind in ("", ".onnx"):
        checks.only_with(options, ("device", "beside", "steps", "seed", "scale"), "films")
        checks.only_with(options, () if kind else ("temperature",), "films and ONNX")
        if said := checks.said_of_a_game(options):
            raise UserError(f"export: {said} works with games only")
    if kind == ".onnx":
        checks.known_checkpoint(options.start)
        from gamesim.export.onnx import write_onnx

        write_onnx(options.start, out, temperature=options.temperature)
    elif not kind:
        checks.known_checkpoint(options.start)
        outputs.check_sealed(out)
        from gamesim import checkpoint

        checkpoint.load_model(options.start)  # nobody shall be given what cannot be played
        checkpoint.ship(options.start, out)
    else:
        from gamesim.export import film

        shown = {name: getattr(options, name) for name in ("steps", "seed", "temperature", "scale")}
        shown["device"] = options.device or "cpu"
        if beside is None:
            start = checks.start(options)
            if not isinstance(start, str):  # also of a dream by its id: that takes temperature=T
                checks.only_with(options, ("temperature", "device"), "models")
            film.film(start, place, **shown)
        else:
            film.film_beside(options.start, beside, place, **shown)
    print(out)
    return 0


def _lab(options: argparse.Namespace) -> int:
    from gamesim import labs, text
    from gamesim.labs.controls import chosen

    if options.name is None:
        print(_lab_list(options))
        return 0
    entry = labs.named(options.name)
    if options.headless and options.out is None:
        raise UserError("lab: --out is missing: it says where the pictures and figures go")
    for flag in ("out", "steps"):
        if not options.headless and getattr(options, flag) is not None:
            raise UserError(f"lab: --{flag} works with --headless only")
    checks.known_place("--out", options.out, outputs.check_folder)
    data = Path(options.data) if options.data else None
    checkpoint = shipped.locate(options.checkpoint) if options.checkpoint else None
    given = labs.Given(options.seed, data, checkpoint)
    entry.check(given)  # before what it does not read is read
    if options.data is not None:
        from gamesim.data.game import games

        games(options.data)  # complains about a folder without recordings
    if options.checkpoint is not None and "weights" not in entry.reads:
        checks.known_checkpoint(options.checkpoint)
    if options.headless:
        from gamesim.app.labs import headless

        figures = headless.run(entry, given, options.set, options.steps, Path(options.out))
        print(text.to_json(figures, indent=1).decode(), end="")
        return 0
    from gamesim import app

    values = chosen(entry.open(given).controls, options.set) if options.set else {}
    return app.lab(entry, given, values)


def _lab_list(options: argparse.Namespace) -> str:
    """A line for each lab, with the extra that is not installed."""
    from gamesim import labs

    if any((options.headless, options.out, options.steps, options.data, options.checkpoint, options.set)):
        raise UserError("lab: NAME is missing; lab alone lists the labs")
    wide = max(map(len, labs.entries()))
    lines = [
        f"{entry.name:{wide}}  {entry.title}: {entry.paper}"
        + (f"; needs the extra {extra}: pip install 'gamesim[{extra}]'" if (extra := entry.missing()) else "")
        for entry in labs.entries().values()
    ]
    return "\n".join(lines)


def _doctor(options: argparse.Namespace) -> int:
    from gamesim.cli import doctor

    return doctor.main(Path(options.checkpoints) if options.checkpoints else None)


# ---------------------------------------------------------------------------------- before the work


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody may be listening
        print(line, file=sys.stderr, flush=True)


class _Warner:
    """Says each warning in one line, and once: a library that is loaded may reset Python's own count."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def __call__(self, message: Warning | str, *_: Any, **__: Any) -> None:
        line = " ".join(str(message).split())
        if line not in self._said:
            self._said.add(line)
            _say(f"gamesim: warning: {line}")
