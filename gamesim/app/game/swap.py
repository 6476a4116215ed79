"""The paper's swap: one dream's dynamic layer over another's static layer, or another board in its memory.

Another board of the same world goes into the memory for good: from then on its walls block Pac-Man, and its
food feeds him. Another engine's static layer is only a picture: both dream under the same keys, and the mask
of the first composes the picture on screen from the two (Kim et al. 2020, Sec. 3.3; the swaps of Sec. 4).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym

from gamesim.app.controls import Command, shown
from gamesim.app.game.pictures import Picture, composed
from gamesim.app.game.session import Session
from gamesim.app.game.world import World
from gamesim.app.library.catalog import Title
from gamesim.app.navigation import Navigator
from gamesim.envs.walks import same_walk

LAYERS = {"static", "dynamic", "mask"}
BOARD = "another board"


class Swap:
    """The swap in a session, and the key that goes through the choices.

    Attributes:
        name: in words, what replaces the static layer; None while nothing is swapped.
        guest: the world whose static layer is on screen, or None.
    """

    def __init__(self, window: Navigator, session: Session) -> None:
        self.window, self.kit, self.session = window, window.kit, session
        self.name: str | None = None
        self.guest: World | None = None
        self._host: World | None = None
        self._own: Any = None  # the moment with the host's own memory
        self._seen: tuple = (None, 0)  # the frame and the step up to which the guest has followed
        self._since = (0, 0)  # the host's episode and step at which the memory was swapped
        self._picture: Picture | None = None
        self._todo: list[Callable[[], None]] = []
        self._boards = 0  # how many other boards were asked for
        self._bare: set[Path | None] = set()  # checkpoints of engines without layers

    # the key ---------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Go to the next choice: another board, each other engine, then the host's own layer."""
        host = self.session.inspected
        if host is None:
            self.window.say(f"Only dreams have a background of their own.{self.session.to_dream}")
            return
        if host.over is not None:
            self.window.say(f"This dream is over. {shown(Command.RESET)} starts a new one.")
            return
        if host.bare and self.name is None:  # what it would draw now has no Pac-Man
            self.window.say("The network has not drawn anything yet. Move first.")
            return
        names = [name for name, _ in self._choices(host)]
        chosen = names.index(self.name) + 1 if self.name in names else 0
        self.leave()
        if names:
            self._choose(host, chosen)
        else:
            self.window.say("This model draws everything at once, so there is no background to swap.")

    def _choose(self, host: World, index: int) -> None:
        """Swap in the choice at an index; after the last one comes the host's own layer."""
        choices = self._choices(host)
        if index < len(choices):
            choices[index][1](host)
        else:
            self.window.say("Background back to normal")

    def _choices(self, host: World) -> list[tuple[str, Callable[[World], None]]]:
        found: list[tuple[str, Callable[[World], None]]] = []
        if "memory" in host.changes:
            found.append((BOARD, self._take_board))
        if not set(host.internals) >= LAYERS:
            return found
        for title in self.kit.workshop.shipped():
            if title.checkpoint != host.title.checkpoint and title.checkpoint not in self._bare:
                found.append((title.name, partial(self._invite, title, len(found))))
        return found

    # another board ---------------------------------------------------------------------------------------

    def _take_board(self, host: World) -> None:
        """Give this Pac-Man the memory of another of the checkpoint's beginnings."""
        env: Any = host.env.unwrapped
        self._boards += 1
        own = env.state
        problem = host.change("memory", env.elsewhere(host.steps + 7 * self._boards))
        if problem:
            self.window.say(problem, bad=True)
            return
        self._host, self._own, self.name = host, own, BOARD
        self._seen, self._since = (host.frame, host.steps), (host.episode, host.steps)
        new = "" if _static(host) > 0.5 else " You will see it as you walk."
        self.window.say(f"The memory now holds another board.{new}")

    # another engine --------------------------------------------------------------------------------------

    def _invite(self, title: Title, index: int, host: World) -> None:
        """Load another engine and let it dream along; if it has no layers, take the next choice."""

        def opened(env: gym.Env) -> None:
            guest = World(title, env)
            guest.reset()
            fits = guest.frame.shape == host.frame.shape and "static" in guest.internals
            if not fits:
                env.close()
                self._bare.add(title.checkpoint)
                self._choose(host, index)
                return
            self._begin(host, guest)

        self.window.load(title, opened)

    def _begin(self, host: World, guest: World) -> None:
        self._host, self.guest, self.name = host, guest, guest.title.name
        walk = same_walk(host.title.game_id, guest.title.game_id)
        if walk is not None and not host.recording:
            mine, theirs, actions = walk
            host.reset({"frames": mine, "actions": actions})
            guest.reset({"frames": theirs, "actions": actions})
        self._seen = (None, host.steps)
        self.window.say(
            f"Background now drawn by {guest.title.name} ({100 * _static(host):.0f} % of the picture)"
        )

    # time ------------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Let the guest make the steps that its host has made.

        A swap ends when its host is no longer played. A swap of memories also ends with the episode, and when
        the player rewinds beyond it. Each call does one thing: a step of both worlds and the composition of
        their layers would be too much for one frame of the window.
        """
        host, (frame, step) = self._host, self._seen
        if host is None:
            return
        episode, since = self._since  # an earlier moment has its own memory
        lasts = self.guest is not None or (host.episode == episode and host.steps >= since)
        if host is not self.session.inspected or not lasts:
            self.leave(put_back=False)
        elif self._todo:
            self._todo.pop(0)()
        elif host.frame is not frame:
            if self.guest is not None:
                guest, missed = self.guest, host.steps - step
                self._todo = [partial(self._lead, host, guest, missed), partial(self._compose, host, guest)]
            self._seen = (host.frame, host.steps)

    @staticmethod
    def _lead(host: World, guest: World, missed: int) -> None:
        """Let the guest make the steps that it has missed, or go back as many."""
        for _, action in list(host.trail)[-missed:] if missed > 0 else []:
            if guest.over:
                guest.reset()
            guest.step(action)
        for _ in range(-missed):
            guest.rewind()

    def _compose(self, host: World, guest: World) -> None:
        shown = host.internals
        self._picture = composed(shown["dynamic"], shown["mask"], guest.internals["static"])
        host.clip[-1] = self._picture

    def frame(self, world: World) -> Picture:
        """What to show of a world: its frame, or the one with the guest's static layer."""
        swapped = self._picture if world is self._host else None
        return world.frame if swapped is None else swapped

    def leave(self, put_back: bool = True) -> None:
        """End the swap: the host has its own layer again, and with `put_back` its own memory."""
        if self._own is not None and put_back and self._host is not None:
            problem = self._host.change("memory", self._own)
            if problem:
                self.window.say(problem, bad=True)
        if self.guest is not None:
            self.guest.env.close()
        self.name, self.guest, self._host, self._own, self._picture = None, None, None, None, None
        self._todo = []


def _static(host: World) -> float:
    """The share of the picture that the static layer draws, 0..1; 0.0 if the world does not say."""
    mask = host.internals.get("mask")
    return 0.0 if mask is None else 1 - float(mask.mean())
