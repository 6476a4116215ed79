"""What was used last: in a small JSON file of the user's, so that it comes first the next time."""

import contextlib
import json
import math
import time
from pathlib import Path

from gamesim import storage
from gamesim.errors import UserError

MOST = 64


class Recent:
    """When something was used, by a name of it; what cannot be read or written is forgotten."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._times: dict[str, float] = {}
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
            found = {str(name): float(when) for name, when in json.loads(path.read_bytes()).items()}
            self._times = {name: when for name, when in found.items() if math.isfinite(when)}

    def use(self, name: str) -> None:
        """It is used now."""
        self._times[name] = max(time.time(), max(self._times.values(), default=0.0) + 1e-3)
        newest = sorted(self._times, key=lambda name: -self._times[name])[:MOST]
        self._times = {name: self._times[name] for name in newest}
        with contextlib.suppress(OSError, UserError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            storage.write_file(self.path, json.dumps(self._times).encode(), sync=False)

    def when(self, name: str) -> float:
        """Seconds since 1970, 0 for what was never used."""
        return self._times.get(name, 0.0)
