"""The play screen: one for the real games and for the dreams."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import gymnasium as gym
import pygame

from gamesim.app import catalog, clips, hud
from gamesim.app.controls import Command, meaning, shown
from gamesim.app.play import TURN, Engine, Session
from gamesim.app.previews import scaled
from gamesim.app.screens import Screen
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.widgets import box, paragraph, pill, text
from gamesim.data.recorder import Recorder
from gamesim.errors import UserError

if TYPE_CHECKING:
    from gamesim.app.window import Window

SOUNDS = ("level", "flag", "eaten", "timeout", "ghost", "power", "food")  # the first that happened is heard


class Play(Screen):
    """Keys in, frames out; everything that decides anything is in the session."""

    def __init__(self, window: Window, engine: Engine) -> None:
        super().__init__(window)
        self._wrap(engine)
        self.session = Session(engine, self._after_step)
        self.clock = 0.0
        self._layout = hud.layout(window.surface.get_size(), 1)
        self._free = pygame.Rect(0, 0, 0, 0)  # of the panel, between what it says and its keys
        self._saving: threading.Thread | None = None
        self._saved: list[tuple[str, bool]] = []  # what the saving thread has to say

    @property
    def engine(self) -> Engine:
        return self.session.engine

    # keys ------------------------------------------------------------------------------------------------

    def handle(self, event: pygame.event.Event) -> None:
        steering = self.session.steering
        if event.type == pygame.KEYDOWN and isinstance(move := meaning(event.key), int):
            if self.engine.over is None:
                steering.press(move)
        elif event.type == pygame.KEYUP:
            released = meaning(event.key)
            if isinstance(released, int):
                steering.release(released)
            elif released is Command.REWIND:
                self.session.rewinding = False
        elif event.type == pygame.WINDOWFOCUSLOST:
            steering.clear()
            self.session.rewinding = False

    def command(self, command: Command) -> None:
        act = {
            Command.RESET: self._reset,
            Command.PAUSE: self._pause,
            Command.STEP: self._step,
            Command.SWITCH: self._switch,
            Command.BESIDE: self._beside,
            Command.COOLER: lambda: self._turn(-TURN),
            Command.WARMER: lambda: self._turn(TURN),
            Command.NEUTRAL: lambda: self._turn(None),
            Command.RECORD: self._record,
            Command.REWIND: self._rewind,
            Command.GIF: self._save_clip,
        }.get(command)
        if act is None:
            super().command(command)
        else:
            self._guard(act)

    def _guard(self, act) -> None:
        """Run something that may meet a broken engine or a full disk: a message, never a fall."""
        try:
            act()
        except UserError as error:
            self.window.say(str(error), bad=True)
        except Exception as error:  # an engine that fails in play: the player goes on in the menu
            self.window.say(f"{self.engine.title.name} stopped: {error or type(error).__name__}", bad=True)
            if self.window.screen is self:
                self.window.back()

    def _reset(self) -> None:
        self.session.restart()
        self.session.paused = False

    def _pause(self) -> None:
        self.session.paused = not self.session.paused

    def _step(self) -> None:
        self.session.step_once()

    def _turn(self, change: float | None) -> None:
        if self.session.turn_temperature(change) is None:
            self.window.say("Only a dream has a temperature. Tab goes to the dream.")

    def _rewind(self) -> None:
        if not self.engine.can_rewind:
            self.window.say("Only a dream can be rewound.")
        elif self._recorder.recording:
            self.window.say("No rewinding while it is recorded.")
        else:
            self.session.rewinding = True

    # the other side --------------------------------------------------------------------------------------

    def _switch(self) -> None:
        self._with_partner(self._swap)

    def _beside(self) -> None:
        self._with_partner(self._put_beside)

    def _swap(self) -> None:
        self._stop_recording()
        fits = self.session.switch()
        self.window.sound.play("switch")
        self._tell(fits)

    def _put_beside(self) -> None:
        if self._recorder.recording and not self.session.beside:
            self._stop_recording()
        self._tell(self.session.toggle_beside())

    def _tell(self, fits: bool) -> None:
        if not fits:
            self.window.say("This dream was learned from other pictures: it begins by itself.")

    def _with_partner(self, then) -> None:
        """Call `then` once the other side is open; it is looked for and loaded at the first time."""
        if self.session.other is not None:
            then()
            return
        title = catalog.partner(self.engine.title, self.window.checkpoints)
        if title is None:
            self.window.say("There is no dream of this game yet: record it, then train one.")
            return

        def opened(env: gym.Env) -> None:
            self.session.other = self._wrap(Engine(title, env))
            self._guard(then)

        self.window.load(title, opened)

    # recording and clips ---------------------------------------------------------------------------------

    def _wrap(self, engine: Engine) -> Engine:
        folder = self.window.recordings / engine.title.slug
        engine.env = Recorder(engine.env, folder, player="human", start=False)
        return engine

    @property
    def _recorder(self) -> Recorder:
        assert isinstance(self.engine.env, Recorder)
        return self.engine.env

    def _recording_words(self) -> str | None:
        recorder = self._recorder
        if not recorder.recording:
            return None
        return f"● {recorder.steps} steps · {recorder.episodes} kept"

    def _record(self) -> None:
        if self._recorder.recording:
            self._stop_recording()
        else:
            self._recorder.start()
            self.window.sound.play("record")
            self.window.say(f"Recording into {self._recorder.folder}")

    def _stop_recording(self) -> None:
        recorder = self._recorder
        if not recorder.recording:
            return
        recorder.stop()
        self.window.sound.play("stop")
        count = recorder.episodes
        self.window.say(f"{count} episode{'s' * (count != 1)} kept in {recorder.folder}")

    def _save_clip(self) -> None:
        if self._saving and self._saving.is_alive():
            return
        pages = clips.compose(sorted(self.session.playing, key=lambda e: e.temperature is not None))
        if len(pages) < 2:
            self.window.say("Nothing has been played yet.")
            return
        folder, rate = self.window.recordings, self.engine.rate

        def work() -> None:
            try:
                self._saved.append((f"Saved {clips.save(pages, folder, rate)}", False))
            except Exception as error:
                self._saved.append((str(error), True))

        self.window.say("Saving the last seconds…")
        self._saving = threading.Thread(target=work)
        self._saving.start()

    # time ------------------------------------------------------------------------------------------------

    def update(self, seconds: float) -> None:
        self.clock += 0.0 if self.session.paused else seconds
        self._guard(lambda: self.session.update(seconds))
        if self._recorder.error:
            self.window.say(self._recorder.error, bad=True)
            self._recorder.error = None
        while self._saved:
            self.window.say(*self._saved.pop(0))

    def _after_step(self, engine: Engine) -> None:
        heard = next((name for name in SOUNDS if name in engine.events), None)
        if heard:
            self.window.sound.play(heard)
        if engine.over and engine.title.latched and engine.now is not None:
            if self.window.scores.add(engine.title.world, engine.score) and engine.score > 0:
                self.window.say(f"A new high score: {engine.score:,.0f}")
            if self.window.scores.problem:
                self.window.say(self.window.scores.problem, bad=True)

    # drawing ---------------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface) -> None:
        size = surface.get_size()
        scale = Scale.of(size)
        self._free.height = 0
        engines = self.session.playing
        self._layout = hud.layout(size, len(engines))
        for rect, engine in zip(self._layout.boards, engines, strict=True):
            self._draw_board(surface, rect, engine, scale, named=len(engines) > 1)
        if self._layout.panel.width > scale.px(60) and self._layout.panel.height > scale.px(30):
            self._draw_panel(surface, self._layout.panel, scale)

    def _draw_board(
        self, surface: pygame.Surface, rect: pygame.Rect, engine: Engine, scale: Scale, named: bool
    ) -> None:
        dream = engine.temperature is not None
        if engine.before is not None and engine.now is not None:
            self.window.painter.draw(
                surface, rect, engine.before, engine.now, self.session.part, self.clock, engine.view,
                self.session.death(engine),
            )  # fmt: skip
        else:
            surface.blit(scaled(engine.frame, rect.size), rect)
        if rect.width > 100:
            edge = rect.inflate(scale.px(6), scale.px(6))
            colour = COLOURS["dream" if dream else "line"]
            pygame.draw.rect(surface, colour, edge, scale.px(2), border_radius=scale.px(3))
        if named:
            words, colour = ("Dream", "dream") if dream else ("Real game", "real")
            place = (rect.left, rect.top - scale.px(8))
            text(surface, words, place, scale.px(18), COLOURS[colour], bold=True, anchor="bottomleft")
        if engine.over and self.session.part >= 1.0 and (self.session.death(engine) or 1.0) >= 1.0:
            self._draw_end(surface, rect, engine, scale)
        elif self.session.ready:
            level = f"Level {engine.now.level}" if engine.now else ""
            self._draw_banner(surface, rect, level, "Ready!", scale)

    def _draw_banner(
        self, surface: pygame.Surface, rect: pygame.Rect, small: str, large: str, scale: Scale
    ) -> pygame.Rect:
        banner = pygame.Rect(0, 0, min(rect.width, scale.px(380)), min(rect.height, scale.px(132)))
        banner.center = rect.center
        box(surface, banner, COLOURS["panel"], scale.px(14), COLOURS["line"])
        room = max(1, banner.width - scale.px(24))
        x, y = banner.centerx, banner.top + scale.px(18)
        text(surface, large, (x, y), scale.head, bold=True, anchor="midtop", width=room)
        place = (x, y + scale.px(42))
        text(surface, small, place, scale.body, COLOURS["quiet"], anchor="midtop", width=room)
        return banner

    def _draw_end(self, surface: pygame.Surface, rect: pygame.Rect, engine: Engine, scale: Scale) -> None:
        points = engine.title.latched and engine.now is not None
        score = f"{engine.score:,.0f} points" if points else f"Return {engine.total:+.1f}"
        banner = self._draw_banner(surface, rect, f"{score}, {engine.steps} steps", engine.over or "", scale)
        if engine is self.engine:
            place = (banner.centerx, banner.bottom - scale.px(26))
            again = f"{shown(Command.RESET)} to play again"
            text(surface, again, place, scale.px(16), COLOURS["real"], bold=True, anchor="center")
            left = pygame.Rect(banner.left + scale.px(14), banner.bottom - scale.px(8), 0, scale.px(3))
            left.width = round((banner.width - scale.px(28)) * (1 - self.session.rest))
            surface.fill(COLOURS["line"], left)

    def _draw_panel(self, surface: pygame.Surface, rect: pygame.Rect, scale: Scale) -> None:
        clip = surface.get_clip()
        surface.set_clip(rect)
        best = self.window.scores.best(self.engine.title.world)
        lines = [hud.Fact("Game", "paused")] if self.session.paused and not self._layout.column else []
        for engine in self.session.playing:
            known = {fact.label for fact in lines}
            new = hud.facts(engine, best, self._recording_words(), self.window.fps)
            lines += [fact for fact in new if fact.label not in known]
        y = self._draw_heading(surface, rect, scale)
        body = pygame.Rect(rect.left, y, rect.width, rect.bottom - y)
        if self._layout.column:
            below = hud.draw_column(surface, body, lines, scale)
        else:
            below = hud.draw_strip(surface, body, lines, scale)
        left = rect.bottom - below - scale.px(16)
        hints = pygame.Rect(rect.left, rect.bottom - max(0, left), rect.width, max(0, left))
        top = hud.draw_hints(surface, hints, scale)
        surface.set_clip(clip)
        self._free = pygame.Rect(rect.left, below, rect.width, max(0, top - scale.px(14) - below))

    def _draw_heading(self, surface: pygame.Surface, rect: pygame.Rect, scale: Scale) -> int:
        """Name and kind of what is played; returns the y below."""
        engine = self.engine
        if not self._layout.column:
            return rect.top
        name = text(surface, engine.title.name, rect.topleft, scale.px(32), bold=True, width=rect.width)
        dream = engine.temperature is not None
        place = (rect.left, name.bottom + scale.px(8))
        colour = COLOURS["dream" if dream else "real"]
        tag = pill(surface, "DREAM" if dream else "REAL GAME", place, scale, colour, COLOURS["back"])
        if self.session.paused:
            place = (tag.right + scale.px(8), tag.top)
            pill(surface, "PAUSED", place, scale, COLOURS["raised"], COLOURS["text"])
        y = tag.bottom + scale.px(12)
        if rect.height > scale.px(460) and engine.title.blurb:
            y = paragraph(surface, engine.title.blurb, (rect.left, y), scale.px(16), rect.width)
        return y + scale.px(8)

    def toast_area(self, size: tuple[int, int]) -> pygame.Rect:
        """In the panel, so that the board stays free; at the bottom of a window without one."""
        for area in (self._free, self._layout.panel):
            if area.width > 120 and area.height > 80:
                return area
        return super().toast_area(size)

    def close(self) -> None:
        self.session.close()
        if self._saving:
            self._saving.join(timeout=5)
