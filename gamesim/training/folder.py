"""The run folder: whether it may be trained into, and its log."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gamesim import storage, text
from gamesim.config import difference, parse, presets, value
from gamesim.config.base import Config
from gamesim.errors import UserError
from gamesim.systems import parts, systems

# What a resumed run may change. More steps is the one that matters: schedules over the run stretch with it.
# Without its adversaries an engine settles: a last few hundred steps after the run proper.
CHANGEABLE = (
    "steps",
    "adversarial",
    "log_every",
    "sample_minutes",
    "checkpoint_minutes",
    "threads",
    "graphs",
    "continues",
)


def check(config: Config, out: str | Path, resume: bool, section: str = "training") -> None:
    """Complain about a run folder that cannot be trained into, before time is spent on loading data.

    Args:
        config: What would be trained.
        out: The run folder.
        resume: Whether a run in it is to go on.
        section: The config's section that this run is trained by; the other ones are not compared.

    Raises:
        UserError: It is used and `resume` is not wanted, it holds no run to resume, or a run with another
            config, whose key is named.
    """
    out = Path(out)
    file = out / "config.yaml"
    if not resume:
        if out.exists() and (not out.is_dir() or any(path.name[0] != "." for path in out.iterdir())):
            raise UserError(f"{out}: is not empty; continue with --resume, or choose another --out")
        return
    if not file.is_file():
        raise UserError(f"{out}: nothing to resume, there is no run in it")
    if storage.exists(out):  # its config.yaml is that of a model
        hint = f"; continue with --out {out.parent}" if began(out.parent) else ""
        raise UserError(f"{out}: is a model, not a run{hint}")
    others = [name for name in systems()[config.system].sections if name != section]
    if storage.exists(out / "last") and not storage.exists(out / "resume"):  # it would begin anew, over last/
        new = f"begin a new run with --init {out / 'last'}"
        raise UserError(f"{out}: cannot go on, its folder resume/ is missing; {new}")
    before = parse(file.read_bytes(), str(file))
    if before.data.game is None:  # an earlier release did not say which
        others.append("data.game")
    same(before, config, file, [*others, *(f"{section}.{k}" for k in CHANGEABLE)])


def same(before: Config, config: Config, file: Path, ignore: list[str]) -> None:
    """Complain about the first key in which a config differs from an earlier one.

    Raises:
        UserError: Both values, and the file that holds the earlier one.
    """
    key = difference(before, config, ignore=ignore)
    if key is not None:
        was, now = value(before, key), value(config, key)
        other = before.name != config.name and before.name in presets()
        preset = f", or with preset={before.name}" if other and key != "name" else ""
        raise UserError(f"{key}: is {now} here but {was} in {file}; resume with that value{preset}")


def earlier(out: Path) -> Config | None:
    """The config of the run in a folder, or of its first stage that has begun; None: there is none."""
    for place in (out, *(out / part for part in parts())):
        if began(place):
            file = place / "config.yaml"
            return parse(file.read_bytes(), str(file))
    return None


def began(out: Path) -> bool:
    """Whether a run folder holds a run."""
    return (out / "config.yaml").is_file()


class Log:
    """metrics.jsonl: one JSON object a line, whole lines only."""

    def __init__(self, out: Path) -> None:
        self.path = out / "metrics.jsonl"

    def write(self, record: Mapping[str, Any]) -> None:
        """Append a line.

        Raises:
            UserError: The disk is full, or the folder is gone.
        """
        try:
            with self.path.open("ab") as file:  # one write: a reader sees whole lines
                file.write(text.to_json(record))
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written: {text.reason(error)}") from None

    def reached(self) -> int:
        """Return the step at which the run was done, 0 when it is not."""
        lines = self.path.read_bytes().splitlines() if self.path.is_file() else []
        with contextlib.suppress(ValueError, TypeError, KeyError, IndexError):
            record = text.from_json(lines[-1])
            return int(record["step"]) if record["status"] == "done" else 0
        return 0

    def trim(self, step: int) -> None:
        """Drop what it says after the step to which the run goes back, such as half a line."""
        kept: list[bytes] = []
        for line in self.path.read_bytes().splitlines() if self.path.is_file() else []:
            with contextlib.suppress(ValueError, TypeError, KeyError):
                record = text.from_json(line)
                if record["step"] <= step and "status" not in record:
                    kept.append(line + b"\n")
        storage.write_file(self.path, b"".join(kept))
