"""VizDoom's TakeCover as both papers play it (Ha & Schmidhuber 2018, Sec. 4; GameGAN, Sec. 4.1).

Monsters at the far wall throw fireballs, and the player steps aside. A step is a tic of Doom, 1/35 s; each
that is survived earns 1. It needs VizDoom (extra ``doom``).
"""

import contextlib
import os
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import vizdoom  # pyright: ignore[reportMissingImports]
from gymnasium import spaces

from gamesim.envs.arguments import check_action, check_seed, note_options
from gamesim.envs.pictures import resize
from gamesim.errors import UserError
from gamesim.text import reason

SIDE = 64
LIMIT = 2100
"""Steps after which a game is cut off: one minute of Doom."""
BEGIN = 14
"""The tic at which a game begins, as in the papers: the monsters are about to throw."""
SEEN = 5 / 6
"""Share of the screen's rows that is seen, from the top, as in the papers; below it is nothing but floor."""
MEANINGS = ("LEFT", "NOOP", "RIGHT")
"""In the order in which C's one number goes from -1 to 1."""


class TakeCoverEnv(gym.Env[np.ndarray, np.int64]):
    """Frames uint8 (64, 64, 3), three actions, 1 a step; ends where the player dies, or is cut off.

    Args:
        render_mode: "rgb_array" or None.
        doom_skill: 1 to 5; the papers' is 4.

    Attributes:
        doom: VizDoom's game, for measurements of what the frames show.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 35}

    def __init__(self, render_mode: str | None = None, doom_skill: int = 4) -> None:
        self.render_mode = render_mode
        self.observation_space = spaces.Box(0, 255, (SIDE, SIDE, 3), np.uint8)
        self.action_space = spaces.Discrete(len(MEANINGS))
        self.doom = _begun(doom_skill)
        self._screen = np.zeros((240, 320, 3), np.uint8)
        self._steps = 0

    @property
    def max_steps(self) -> int:
        """Steps after which a game is cut off."""
        return LIMIT

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin a game: (frame, {"seed": ...}); with that seed and the same actions it is the same again."""
        seed = check_seed(seed)
        super().reset(seed=seed, options=options)
        note_options(options)
        seed = int(self.np_random.integers(2**31)) if seed is None else seed % 2**31
        self.doom.set_seed(seed)
        self.doom.new_episode()
        self._steps = 0
        return self._look(), {"seed": seed}

    def step(self, action: int | np.integer) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Play a tic. At the end the last picture stays, as Doom draws none of it."""
        word = MEANINGS[check_action(action, len(MEANINGS))]
        self.doom.make_action([word == "LEFT", word == "RIGHT"])
        self._steps += 1
        died = self.doom.is_player_dead()
        return self._look(), 1.0, died, not died and self._steps >= LIMIT, {}

    def render(self) -> np.ndarray:
        """The whole screen, uint8 (240, 320, 3)."""
        return self._screen.copy()

    def close(self) -> None:
        self.doom.close()

    def get_action_meanings(self) -> list[str]:
        """A word for each action."""
        return list(MEANINGS)

    def _look(self) -> np.ndarray:
        state = self.doom.get_state()
        if state is not None:
            self._screen = state.screen_buffer
        return resize(self._screen[: round(SEEN * len(self._screen))], (SIDE, SIDE))


def _begun(skill: int) -> vizdoom.DoomGame:
    """Doom, hidden and silent, without weapon and crosshair."""
    game = vizdoom.DoomGame()
    game.load_config(str(Path(vizdoom.scenarios_path) / "take_cover.cfg"))
    game.set_doom_config_path(os.devnull)  # else Doom leaves its settings in the current folder
    game.set_doom_skill(skill)
    game.set_screen_resolution(vizdoom.ScreenResolution.RES_320X240)
    game.set_screen_format(vizdoom.ScreenFormat.RGB24)
    game.set_render_weapon(False)
    game.set_render_crosshair(False)
    game.set_episode_start_time(BEGIN)
    game.set_episode_timeout(0)  # the limit is counted here, so that a death on it is a death
    game.set_window_visible(False)
    game.set_sound_enabled(False)
    saves = Path("_vizdoom")  # Doom makes it wherever one is, for screenshots that nobody takes
    there = saves.exists()
    try:
        saves.mkdir(exist_ok=True)
    except OSError as error:  # here Doom would crash
        why = f"Doom cannot make {saves} in the current folder: {reason(error)}"
        raise UserError(f"gamesim/TakeCover-v0: {why}") from None
    game.init()
    if not there:
        with contextlib.suppress(OSError):
            saves.rmdir()
    return game
