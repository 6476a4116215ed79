"""A recording, played again: scrubbed through, step by step; and what the list can do with one, too."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pygame

from gamesim.app.action_keys import ActionKeys
from gamesim.app.background import Worker
from gamesim.app.controls import DOWN, LEFT, RIGHT, UP, Command, Hint, key_name, shown
from gamesim.app.game.previews import draw_frame
from gamesim.app.library.shelf import WHO, Recording, origin
from gamesim.app.navigation import SMOOTH, STILL, Navigator
from gamesim.app.settings import unused
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.ask import Prompt, ask_to_delete
from gamesim.app.ui.keyed import ButtonScreen
from gamesim.app.ui.parts import (
    Action,
    attempt,
    draw_button_foot,
    draw_facts,
    draw_foot,
    foot_height,
    margin_of,
)
from gamesim.app.ui.widgets import ARROWS, at_home, headline, keycap, knob, meter, text
from gamesim.data.episode import PLAYERS, Episode
from gamesim.envs.recipe import PACMANS
from gamesim.errors import UserError
from gamesim.export import video
from gamesim.text import complaint, counted, signed

RATE = 7.0  # steps a second at speed 1, as they are played
SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
WORDS = {"LEFT": "←", "RIGHT": "→", "UP": "↑", "DOWN": "↓"}
"""How the screen shows actions that many games have; arrows become key caps."""


class Replay(ButtonScreen):
    """The frames as they were recorded, with the keys that were pressed and what they were worth.

    Attributes:
        episode: None until it is loaded.
        at: index of the frame on screen, 0..len(episode).
        playing: whether it runs by itself.
        speed: index into `SPEEDS`.
    """

    caption = "Replay"
    plain = (
        pygame.K_SPACE, pygame.K_DELETE, pygame.K_HOME, pygame.K_END, pygame.K_PAGEUP, pygame.K_PAGEDOWN,
    )  # fmt: skip

    def __init__(self, window: Navigator, recording: Recording) -> None:
        super().__init__(window)
        self.recording = recording
        self.episode: Episode | None = None
        self.at = 0
        self.playing = True
        self.speed = SPEEDS.index(1.0)
        self._game, self._words = "", ()  # the game, and words for its actions, once they are known
        self._problem = ""
        self._since = 0.0
        self._totals = np.zeros(1)
        self.bar = self.picture = pygame.Rect(0, 0, 0, 0)
        self._scrubbing = False
        self._marks: tuple[tuple[int, int], pygame.Surface] | None = None
        self._worker = Worker("replay")
        self._worker.do(self._load)

    def _load(self) -> None:
        try:
            episode = Episode.load(self.recording.path)
        except UserError as error:
            self._problem = str(error)
            return
        self._totals = np.concatenate([[0.0], episode.rewards.cumsum(dtype=np.float64)])
        self._game, self._words = origin(episode)
        self.episode = episode

    @property
    def last(self) -> int:
        """Index of the last frame."""
        return len(self.episode) if self.episode else 0

    @property
    def _ours(self) -> bool:
        """Whether its frames may be drawn large; a dark frame of another game only looks like our floor."""
        return not self._game or self._game.startswith(PACMANS)

    # keys and mouse --------------------------------------------------------------------------------------

    def command(self, command: Command) -> None:
        act = {
            Command.PAUSE: self.toggle,
            Command.STEP: lambda: self.step(1),
            Command.WARMER: lambda: self.faster(1),
            Command.COOLER: lambda: self.faster(-1),
            Command.NEUTRAL: lambda: self.faster(0),
            Command.LOOK: lambda: self.kit.toggle_look(self._ours),
            Command.GIF: lambda: export(self.window, self.recording),
        }.get(command)
        if act is None:
            super().command(command)
        else:
            attempt(self.window, act)

    def mouse(self, event: pygame.event.Event) -> None:
        if event.type == pygame.MOUSEWHEEL:
            self.step(-event.y)
        elif event.type == pygame.MOUSEBUTTONUP:
            self._scrubbing = False
        elif event.type == pygame.MOUSEMOTION and self._scrubbing:
            self._scrubbing = bool(event.buttons[0])  # it may have been let go on another screen
            if self._scrubbing:
                self._scrub(event.pos[0])
        super().mouse(event)

    def key(self, key: int) -> None:
        jumps = {pygame.K_HOME: 0, pygame.K_END: self.last}
        pages = {pygame.K_PAGEUP: -10, pygame.K_PAGEDOWN: 10}
        if key == pygame.K_SPACE:
            self.toggle()
        elif key == pygame.K_DELETE:
            self.delete()
        elif key in jumps:
            self.step(jumps[key] - self.at)
        elif key in pages:
            self.step(pages[key])
        else:
            super().key(key)

    def hints(self) -> list[tuple[str, str]]:
        return [
            (shown(LEFT), ""), (shown(RIGHT), "step"), (shown(Command.PAUSE), "play, pause"), (shown(UP), ""),
            (shown(DOWN), "speed"), ("Home", ""), ("End", "first, last"), (shown(Command.BACK), "back"),
        ]  # fmt: skip

    def works(self) -> Sequence[Hint]:
        look = [(shown(Command.LOOK), "drawn large, or as pixels")] if self._ours else []
        return [*super().works(), ("PgUp", ""), ("PgDn", "ten steps"), *look]

    def go(self, move: int) -> None:
        if move in (LEFT, RIGHT):
            self.step(1 if move == RIGHT else -1)
        elif move in (UP, DOWN):
            self.faster(1 if move == UP else -1)

    def click(self, place: tuple[int, int]) -> None:
        if self.bar.inflate(0, 24).collidepoint(place):
            self._scrubbing = True
            self._scrub(place[0])
        elif self.picture.collidepoint(place):
            self.toggle()

    def _scrub(self, x: int) -> None:
        share = (x - self.bar.left) / max(1, self.bar.width - 1)
        self.playing = False
        self.at = round(min(1.0, max(0.0, share)) * self.last)

    def pressed(self, action: int) -> str:
        """A word for an action of the game that was played; its number if nobody knows a word."""
        word = self._words[action] if action < len(self._words) else ""
        return WORDS.get(word.upper(), ActionKeys.word(word)) or str(action)

    # what can be done ------------------------------------------------------------------------------------

    def toggle(self) -> None:
        """Pause or go on; at the end, begin again."""
        self.playing = not self.playing
        if self.playing and self.at == self.last:
            self.at = 0

    def step(self, by: int) -> None:
        """Go some frames forward or back, and stay there."""
        self.playing = False
        self.at = min(self.last, max(0, self.at + by))

    def faster(self, by: int) -> None:
        """To the next speed up or down; 0: as it was played."""
        self.speed = min(len(SPEEDS) - 1, max(0, self.speed + by)) if by else SPEEDS.index(1.0)

    def delete(self) -> None:
        delete(self.window, [self.recording], self.window.back)

    def _actions(self) -> list[Action]:
        renamed = partial(setattr, self, "recording")
        return [
            Action("Pause" if self.playing else "Play", self.toggle, shown(Command.PAUSE)),
            Action("Save GIF", lambda: export(self.window, self.recording), shown(Command.GIF)),
            Action("Rename", lambda: rename(self.window, self.recording, renamed)),
            Action("Delete", self.delete, key_name(pygame.K_DELETE), danger=True),
        ]

    # time and drawing ------------------------------------------------------------------------------------

    @property
    def pace(self) -> int:
        return SMOOTH if self.playing else STILL

    def update(self, seconds: float) -> None:
        if self._problem:
            self.window.say(f"Cannot replay this: {self._problem}", bad=True)
            self.window.back()
            return
        super().update(seconds)
        if not self.playing or self.episode is None:
            return
        self._since += seconds * RATE * SPEEDS[self.speed]
        steps, self._since = int(self._since), self._since % 1.0
        self.at = min(self.last, self.at + steps)
        self.playing = self.at < self.last

    def draw(self, surface: pygame.Surface) -> None:
        size = surface.get_size()
        scale = Scale.of(size)
        margin = margin_of(size, scale)
        draw_foot(surface, self.hints(), scale)
        foot = size[1] - foot_height(scale)
        self.bar = pygame.Rect(margin, foot - scale.px(34), max(1, size[0] - 2 * margin), scale.px(20))
        top = scale.px(24)
        body = pygame.Rect(margin, top, size[0] - 2 * margin, self.bar.top - scale.px(18) - top)
        if body.width < 8 or body.height < 8:
            return
        beside = body.width >= scale.px(520)
        picture = body.copy()
        if beside:
            picture.width = min(body.height, body.width - scale.px(300))
        self.picture = picture
        if self.episode is None:
            text(surface, "Reading…", body.center, scale.px(20), COLOURS["quiet"], anchor="center")
            return
        self._draw_frame(surface, picture, self.episode)
        if beside:
            left = picture.right + scale.px(28)
            panel = pygame.Rect(left, body.top, min(body.right - left, scale.px(460)), body.height)
            self._draw_panel(surface, panel, scale, self.episode)
        else:
            self.buttons = []
        self._draw_bar(surface, scale, self.episode)

    def _draw_frame(self, surface: pygame.Surface, room: pygame.Rect, episode: Episode) -> None:
        """Draw the current frame in the look of the play screen; things move there from the frame before."""
        side = min(room.size)
        square = pygame.Rect(0, 0, max(1, side - side % 21), max(1, side - side % 21))
        square.center = room.center
        if not self._ours:
            draw_frame(surface, square, episode.frames[self.at])
            return
        was = max(0, self.at - 1)
        action = int(episode.actions[was]) if self.at else 0
        part = self._since if self.playing else 1.0
        frames = episode.frames
        self.kit.look.frame(surface, square, frames[self.at], None, frames[was], action, part)

    def _draw_panel(
        self, surface: pygame.Surface, panel: pygame.Rect, scale: Scale, episode: Episode
    ) -> None:
        y = headline(surface, self.recording.name, panel.topleft, scale.px(28), panel.width)
        self.buttons = self._actions()
        foot = draw_button_foot(surface, panel, self.buttons, self.focus, scale)
        done, step = self.at > 0, max(0, self.at - 1)
        pressed = self.pressed(int(episode.actions[step])) if done else "–"
        speed = SPEEDS[self.speed]
        facts = [
            ("Step", f"{self.at:,} of {self.last:,}"),
            ("Speed", f"{speed:g}x"),
            ("Score so far", signed(self._totals[self.at])),
            ("Last points", signed(episode.rewards[step]) if done else "–"),
            ("Played by", WHO[PLAYERS[episode.players[step]]]),
            ("Game", self.recording.game),
            ("Key pressed", "" if pressed in ARROWS else pressed),
        ]
        area = pygame.Rect(panel.left, y + scale.px(12), panel.width, 0)
        area.height = max(0, foot - area.top)
        area.top = draw_facts(surface, area, facts[:-1], scale, 18)
        area.height = max(1, foot - area.top)
        y = draw_facts(surface, area, facts[-1:], scale, 18)
        if pressed in ARROWS and y > area.top:
            keycap(surface, pressed, (panel.right - scale.px(32), y - scale.px(16)), scale.px(15))

    def _draw_bar(self, surface: pygame.Surface, scale: Scale, episode: Episode) -> None:
        """Draw the whole episode as a line with a tick for each reward; the part before now is bright."""
        bar = self.bar
        share = self.at / self.last if self.last else 0.0
        groove = pygame.Rect(bar.left, bar.centery - scale.px(3), bar.width, scale.px(6))
        meter(surface, groove, share, COLOURS["real"])
        surface.blit(self._drawn_marks(bar, scale, episode), bar)
        place = (bar.left + round(share * (bar.width - 1)), bar.centery)
        knob(surface, place, scale.px(9), scale.px(2))

    def _drawn_marks(self, bar: pygame.Rect, scale: Scale, episode: Episode) -> pygame.Surface:
        """A tick for each step with a reward: up and green for a gain, down and red for a loss."""
        if self._marks is None or self._marks[0] != bar.size:
            marks = pygame.Surface(bar.size, pygame.SRCALPHA)
            places = (np.arange(1, self.last + 1) / max(1, self.last) * (bar.width - 1)).astype(int)
            for sign, colour, y in ((1, "good", 0), (-1, "bad", bar.height - scale.px(6))):
                for x in np.unique(places[np.sign(episode.rewards) == sign]).tolist():
                    marks.fill(COLOURS[colour], (x, y, max(1, scale.px(2)), scale.px(6)))
            self._marks = (bar.size, marks)
        return self._marks[1]

    def close(self) -> None:
        self._worker.close()


LARGEST = 4  # a GIF is enlarged at most so many times


def rename(window: Navigator, recording: Recording, done: Callable[[Recording], None]) -> None:
    """Ask for a new name for a recording; `done` gets the renamed recording."""

    def then(name: str) -> None:
        if name == recording.name:
            return
        renamed = window.kit.workshop.shelf.rename(recording, name)
        window.say(f"Renamed to {renamed.name}")
        done(renamed)

    window.go(Prompt(window, "New name", "", recording.name, then))


def delete(window: Navigator, recordings: Sequence[Recording], then: Callable[[], None]) -> None:
    """Ask once whether to delete some recordings, and call `then` when they are deleted."""
    first, many = recordings[0], len(recordings)
    name = first.name if many == 1 else counted(many, "recording")
    steps = counted(sum(each.entry.length for each in recordings), "step")
    games = sorted({each.game for each in recordings})
    players = sorted({each.who for each in recordings})
    what = f"{steps} of {', '.join(games)}, played by {' and '.join(players)}. This cannot be undone."
    ask_to_delete(window, name, what, lambda: window.kit.workshop.shelf.delete(recordings), then)


def export(window: Navigator, recording: Recording) -> None:
    """Save a GIF of a recording in the background; a message says where."""
    workshop = window.kit.workshop

    def work() -> None:
        try:
            out = unused(window.kit.pictures / f"{recording.entry.name}.gif")
            frames = Episode.load(recording.path).frames
            scale = max(1, min(LARGEST, int((video.MAX_PIXELS / (frames.size // 3)) ** 0.5)))
            out.parent.mkdir(parents=True, exist_ok=True)
            video.check(out, len(frames), frames.shape[1:3], scale)
            video.write(frames, out, scale=scale)
            workshop.say(f"Saved {at_home(out)}")
        except (UserError, OSError, MemoryError) as error:
            workshop.say(complaint(error), bad=True)

    window.say("Saving a GIF…")
    workshop.worker.do(work)
