"""What the app remembers between runs: the high score, in one small JSON file of the user's."""

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path


def folder() -> Path:
    """The platform's folder for data of this app; not created here."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "gamesim"


class Scores:
    """High scores by env id.

    Attributes:
        problem: one line for the player if the file could not be read or written, else None.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or folder() / "scores.json"
        self.problem: str | None = None
        self._best: dict[str, float] = {}
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            self._best = {str(key): float(value) for key, value in content["best"].items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self.problem = f"The high scores in {self.path} cannot be read: starting afresh."

    def best(self, env_id: str) -> float:
        return self._best.get(env_id, 0.0)

    def add(self, env_id: str, score: float) -> bool:
        """Keep `score` if it is the highest; returns whether it is."""
        if score <= self.best(env_id):
            return False
        self._best[env_id] = score
        try:
            self._write()
        except OSError as error:
            self.problem = f"The high score is not kept: {error.strerror or error}."
        return True

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"best": self._best}, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
