"""Learned game engines that are Gymnasium environments.

Importing this package registers the environment ids (by name: neither torch nor pygame is loaded).
"""

import os
import signal
import sys

_command = os.path.basename(sys.argv[0]).removesuffix(".exe") if sys.argv else ""
_ours = _command == "gamesim" or (_command == "-m" and "gamesim" in sys.orig_argv)  # nobody's library
if _ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while all of this is imported: no traceback

import gymnasium  # noqa: E402

__version__ = "0.1.0"


def _register() -> None:
    """Register every id of the project with Gymnasium; kwargs may be overridden in ``gym.make``."""
    single, batched = "gamesim.envs.pacman:PacmanEnv", "gamesim.envs.pacman:PacmanVectorEnv"
    night = {"theme": "night"}
    ego = {"max_steps": 40, "num_ghosts": 3, "grid_size": 14, "food_density": 0.2, "view": "ego", **night}
    whole = {
        "max_steps": None, "num_ghosts": 4, "grid_size": 21, "food_density": 1.0, "view": "full", **night
    }  # fmt: skip
    games = {  # every setting is spelt out, so that a recording's spec says all that a replay needs
        "gamesim/Pacman-v0": {"board": "random", **ego},
        "gamesim/PacmanGarden-v0": {"board": "random", **ego, "theme": "garden"},
        "gamesim/PacmanMaze-v0": {"board": "maze", **ego, "num_ghosts": 0},
        "gamesim/PacmanArcade-v0": {"board": "arcade", **whole},
    }
    for name, kwargs in games.items():
        gymnasium.register(id=name, entry_point=single, vector_entry_point=batched, kwargs=kwargs)
    gymnasium.register(
        id="gamesim/TakeCover-v0", entry_point="gamesim.envs.takecover:TakeCoverEnv", kwargs={"doom_skill": 4}
    )
    gymnasium.register(
        id="gamesim/Dream-v0",
        entry_point="gamesim.dream:DreamEnv",
        vector_entry_point="gamesim.dream:DreamVectorEnv",
    )


_register()
