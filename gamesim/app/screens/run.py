"""One training, as it happens: curves, the newest sample sheet, how long it still takes, and its reins."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pygame

from gamesim.app import jobs
from gamesim.app.charts import Chart, Charts
from gamesim.app.controls import DOWN, LEFT, RIGHT, UP, Command, key_name, meaning, shown
from gamesim.app.parts import (
    Action,
    draw_actions,
    draw_facts,
    draw_foot,
    draw_head,
    foot_height,
    margin_of,
)
from gamesim.app.screens import Screen
from gamesim.app.screens.ask import Ask
from gamesim.app.screens.keyed import ButtonScreen
from gamesim.app.screens.train import ask_to_delete, draw_state, play, run_facts
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.widgets import box, text
from gamesim.text import counted

if TYPE_CHECKING:
    from gamesim.app.window import Window

LOOK = 0.5  # seconds between two looks into the run folder
CLEAR = 0.6  # of its size: a sheet that is drawn smaller cannot be made out


class RunPage(ButtonScreen):
    """Leave it and come back whenever you like: the training does not notice."""

    keys = (pygame.K_DELETE,)

    def __init__(self, window: Window, folder: Path) -> None:
        super().__init__(window)
        self.run = window.workshop.run(folder)
        self.caption = self.run.name
        self.run.follow()
        self.charts = Charts()
        self.sheet = Sheet()
        self.stage: int | None = None  # whose curves are seen; None: the newest
        self._since = 0.0
        self._picture = pygame.Rect(0, 0, 0, 0)

    # keys and mouse --------------------------------------------------------------------------------------

    def command(self, command: Command) -> None:
        if command is Command.SWITCH and len(self.run.logs) > 1:
            now = len(self.run.logs) - 1 if self.stage is None else self.stage
            self.stage = (now + 1) % len(self.run.logs)
        else:
            super().command(command)

    def mouse(self, event: pygame.event.Event) -> None:
        if event.type == pygame.MOUSEWHEEL:
            self.charts.scroll -= event.y
        elif event.type == pygame.MOUSEMOTION:
            self.point(event.pos)
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            button = self.point(event.pos)
            if button is not None:
                self.press(button)
            elif self._picture.collidepoint(event.pos):
                self.enlarge()

    def go(self, move: int) -> None:
        if move in (LEFT, RIGHT) and self.buttons:
            self.focus = (self.focus + (1 if move == RIGHT else -1)) % len(self.buttons)
        elif move in (UP, DOWN):
            self.charts.scroll += 1 if move == DOWN else -1

    # what can be done ------------------------------------------------------------------------------------

    def _actions(self) -> list[Action]:
        run, found = self.run, []
        if run.engine:
            found.append(Action("Play it", partial(play, self.window, run)))
        if run.live:
            why_not = "" if jobs.CAN_PAUSE else "Windows cannot pause a training. Stop it, then train further"
            held = run.state == "paused"
            cap = shown(Command.PAUSE)
            found.append(Action("Go on" if held else "Pause", run.pause, cap, why_not))
            stopping = run.state == "stopping"
            found.append(Action("Stop at once", self.kill, danger=True) if stopping else self._stop_action())
        elif run.resumable:
            found.append(Action("Train further", self.further))
        if run.log.sheets:
            found.append(Action("Sample sheet", self.enlarge))
        if not run.live:
            found.append(Action("Delete", self.delete, key_name(pygame.K_DELETE), danger=True))
        return found

    def _stop_action(self) -> Action:
        return Action("Stop and save", self.stop)

    def stop(self) -> None:
        """Ask it to save and leave."""
        self.run.stop()
        self.window.say("It saves what it has, then stops. Train further continues from there.")

    def kill(self) -> None:
        """End it without waiting, after a question."""
        more = "What it learned since its last save will be lost."
        answers = (("Stop at once", self.run.stop, True), ("Wait", lambda: None, False))
        self.window.go(Ask(self.window, "Stop without saving?", more, answers))

    def further(self) -> None:
        from gamesim.app.screens.new_run import NewRun

        self.window.go(NewRun(self.window, self.run))

    def enlarge(self) -> None:
        if self.run.log.sheets:
            self.window.go(SheetPage(self.window, self.run.log.sheets))

    def delete(self) -> None:
        ask_to_delete(self.window, self.run, self.window.back)

    # time and drawing ------------------------------------------------------------------------------------

    def update(self, seconds: float) -> None:
        super().update(seconds)
        self._since += seconds
        if self._since >= LOOK:
            self._since = 0.0
            self.run.follow()

    def draw(self, surface: pygame.Surface) -> None:
        size = surface.get_size()
        scale = Scale.of(size)
        margin = margin_of(size, scale)
        top = draw_head(surface, self.caption, self._line(), scale)
        draw_foot(surface, self._hints(), scale)
        body = pygame.Rect(margin, top, size[0] - 2 * margin, size[1] - top - foot_height(scale))
        if body.width < 40 or body.height < 40:
            return
        beside = body.width >= scale.px(560)
        panel, curves = body.copy(), body.copy()
        if beside:
            panel.width = min(scale.px(430), round(body.width * 0.44))
            panel.right = body.right
            curves.width = panel.left - scale.px(20) - body.left
        else:
            panel.height = round(body.height * 0.55)
            curves.top = panel.bottom + scale.px(10)
            curves.height = max(0, body.bottom - curves.top)
        self._draw_panel(surface, panel, scale)
        self._draw_curves(surface, curves, scale)

    def _line(self) -> str:
        if len(self.run.logs) > 1:
            log = self._log
            return f"Curves of {log.section}. {shown(Command.SWITCH)} shows the next part"
        return "Training losses. Purple: measured on games kept out of training"

    @property
    def _log(self):
        stage = self.stage
        return self.run.log if stage is None or stage >= len(self.run.logs) else self.run.logs[stage]

    def _hints(self) -> list[tuple[str, str]]:
        words = self.buttons[self.focus].label.lower() if self.focus < len(self.buttons) else "choose"
        return [
            (shown(LEFT), ""), (shown(RIGHT), "button"), (shown(Command.RESET), words), (shown(UP), ""),
            (shown(DOWN), "more curves"), (shown(Command.HELP), "help"), (shown(Command.BACK), "back"),
        ]  # fmt: skip

    def _draw_curves(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> None:
        log = self._log
        held_out = [
            Chart(f"Held out: {spoken(name)}", curve, COLOURS["dream"])
            for name, curve in log.validation.items()
        ]
        losses = [Chart(spoken(name), curve, COLOURS["ghost2"]) for name, curve in log.losses.items()]
        if not losses and not held_out:
            waiting = "Curves appear with the first steps" if self.run.live else "No curves: no step was made"
            text(
                surface,
                waiting,
                area.center,
                scale.px(17),
                COLOURS["quiet"],
                anchor="center",
                width=area.width,
            )
            return
        self.charts.draw(surface, area, losses + held_out, scale, pygame.mouse.get_pos())

    def _draw_panel(self, surface: pygame.Surface, panel: pygame.Rect, scale: Scale) -> None:
        pad = scale.px(18)
        box(surface, panel, COLOURS["panel"], scale.px(14))
        inner = panel.inflate(-2 * pad, -2 * pad)
        self._picture.size = (0, 0)
        if inner.width < 40 or inner.height < 40:
            return
        self.buttons = self._actions()
        self.focus = min(self.focus, max(0, len(self.buttons) - 1))
        probe = pygame.Surface((1, 1))
        need = draw_actions(probe, pygame.Rect(0, 0, inner.width, 0), self.buttons, None, scale)
        foot = pygame.Rect(inner.left, max(inner.top, inner.bottom - need), inner.width, need)
        clip = surface.get_clip()
        surface.set_clip(inner.clip(clip))
        y = draw_state(surface, pygame.Rect(inner.left, inner.top, inner.width, 0), self.run, scale)
        room = max(0, foot.top - scale.px(10) - y)
        facts = run_facts(self.run)
        facts = facts if room > scale.px(300) else facts[:4]
        y = draw_facts(surface, pygame.Rect(inner.left, y, inner.width, room), facts, scale, 15)
        rest = pygame.Rect(inner.left, y + scale.px(12), inner.width, 0)
        rest.height = max(0, foot.top - scale.px(12) - rest.top)
        if self.run.log.sheets and rest.height > scale.px(60):
            self._draw_sheet(surface, rest, scale)
        surface.set_clip(clip)
        draw_actions(surface, foot, self.buttons, self.focus, scale)

    def _draw_sheet(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> None:
        """The beginning of the newest sheet; a click enlarges it."""
        newest = self.run.log.sheets[-1]
        words = f"After {counted(sheet_step(newest), 'training step')}. Click to enlarge"
        line = text(surface, words, area.topleft, scale.px(14), COLOURS["quiet"], width=area.width)
        self._picture = pygame.Rect(
            area.left, line.bottom + scale.px(4), area.width, area.bottom - line.bottom
        )
        self._picture.height -= scale.px(4)
        image = self.sheet.scaled(newest, (self._picture.width, 0), CLEAR)
        if image is None:
            return
        part = image.get_rect().clip(pygame.Rect((0, 0), self._picture.size))
        self._picture.size = part.size
        surface.blit(image, self._picture, part)


class Sheet:
    """Loads sample sheets and keeps the last one at its last size."""

    def __init__(self) -> None:
        self._key: tuple | None = None
        self._image: pygame.Surface | None = None

    def scaled(self, path: Path, room: tuple[int, int], least: float = 0.0) -> pygame.Surface | None:
        """A sheet as wide as `room`, and not higher where that has a height; None if it cannot be read.

        Args:
            path: of the sheet.
            room: pixels to fill; a height of 0 is no limit.
            least: it is made no smaller than this share of its size, and may stand out then.
        """
        try:
            key = (path, path.stat().st_mtime_ns, room, least)
            if key != self._key:
                image = pygame.image.load(str(path))
                fit = room[0] / image.get_width()
                fit = min(fit, room[1] / image.get_height()) if room[1] else fit
                fit = max(fit, least)
                size = (max(1, round(image.get_width() * fit)), max(1, round(image.get_height() * fit)))
                resize = pygame.transform.scale if fit >= 2 else pygame.transform.smoothscale
                self._key, self._image = key, resize(image.convert(), size)
        except (OSError, pygame.error, ValueError):
            self._key, self._image = None, None
        return self._image


class SheetPage(Screen):
    """The sample sheets of a run over the whole window, from the first to the newest."""

    caption = "Samples"

    def __init__(self, window: Window, sheets: list[Path]) -> None:
        super().__init__(window)
        self.sheets = sheets
        self.at = len(sheets) - 1
        self.sheet = Sheet()

    def handle(self, event: pygame.event.Event) -> None:
        step = 0
        if event.type == pygame.KEYDOWN:
            step = {LEFT: -1, UP: -1, RIGHT: 1, DOWN: 1}.get(meaning(event.key), 0)  # type: ignore[arg-type]
        elif event.type == pygame.MOUSEWHEEL:
            step = -event.y
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self.window.back()
            return
        self.at = min(len(self.sheets) - 1, max(0, self.at + step))

    def draw(self, surface: pygame.Surface) -> None:
        size = surface.get_size()
        scale = Scale.of(size)
        step = sheet_step(self.sheets[self.at])
        trained = f"After {counted(step, 'training step')}"
        line = f"{trained} · {self.at + 1} of {len(self.sheets)} · the same keys in both"
        top = draw_head(surface, self.caption, line, scale)
        hints = ((shown(LEFT), ""), (shown(RIGHT), "earlier, later"), (shown(Command.BACK), "back"))
        draw_foot(surface, hints, scale)
        margin = margin_of(size, scale)
        area = pygame.Rect(margin, top, size[0] - 2 * margin, size[1] - top - foot_height(scale))
        if area.width < 8 or area.height < 8:
            return
        image = self.sheet.scaled(self.sheets[self.at], area.size)
        if image is None:
            words = "This sheet cannot be read"
            text(surface, words, area.center, scale.px(18), COLOURS["quiet"], anchor="center")
        else:
            surface.blit(image, image.get_rect(midtop=area.midtop))


def sheet_step(path: Path) -> int:
    """The step at which a sheet was drawn: its name."""
    return int(path.stem) if path.stem.isdigit() else 0


def spoken(name: str) -> str:
    """A figure's name in words."""
    words = name.replace("_", " ").replace(".", " ")
    return {"kl": "KL", "z": "z"}.get(words, words.capitalize())
