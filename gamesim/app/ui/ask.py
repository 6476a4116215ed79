"""Questions on top of a screen: which of a few answers, or a line of text."""

from collections.abc import Callable, Sequence

import pygame

from gamesim.app.controls import DOWN, LEFT, RIGHT, Command, shown
from gamesim.app.navigation import Navigator
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.keyed import ButtonScreen
from gamesim.app.ui.parts import Action, Field, actions_height, attempt, draw_actions, draw_below
from gamesim.app.ui.widgets import box, paragraph, text, wrap


class Ask(ButtonScreen):
    """A question in bold, a sentence (`more`) below it, and a few answers as buttons; Esc gives none.

    The last answer has the focus at first.
    """

    def __init__(self, window: Navigator, question: str, more: str, answers: Sequence[Action]) -> None:
        super().__init__(window)
        self.caption = question
        self.more = more
        self.below = window.screen
        self.buttons = list(answers)
        self.focus = len(self.buttons) - 1

    def hints(self) -> list[tuple[str, str]]:
        return [
            (shown(LEFT), ""), (shown(RIGHT), "another answer"), (shown(Command.RESET), "choose it"),
            (shown(Command.BACK), "no answer"),
        ]  # fmt: skip

    def go(self, move: int) -> None:
        self.focus = (self.focus + (1 if move in (RIGHT, DOWN) else -1)) % len(self.buttons)

    def press(self, action: Action | None) -> None:
        """Close the question, then do what was chosen."""
        if action is not None:
            self.window.back()
            if not attempt(self.window, action.do):
                self.failed()

    def failed(self) -> None:
        """What was chosen could not be done, as a message says."""

    def draw(self, surface: pygame.Surface) -> None:
        draw_below(surface, self.below, 200)
        size = surface.get_size()
        scale = Scale.of(size)
        pad = scale.px(28)
        panel = pygame.Rect(0, 0, min(size[0] - 8, scale.px(560)), 0)
        room = max(1, panel.width - 2 * pad)
        lines = wrap(self.caption, scale.px(22), room, True)
        below = len(wrap(self.more, scale.px(17), room))
        panel.height = 2 * pad + len(lines) * scale.px(30) + round(below * scale.px(17) * 1.35)
        panel.height += self.body_height(room, scale)
        panel.center = (size[0] // 2, size[1] // 2)
        box(surface, panel, COLOURS["panel"], scale.px(16), COLOURS["line"])
        y = panel.top + pad
        for line in lines:
            text(surface, line, (panel.left + pad, y), scale.px(22), bold=True)
            y += scale.px(30)
        y = paragraph(surface, self.more, (panel.left + pad, y), scale.px(17), room)
        self.draw_body(surface, pygame.Rect(panel.left + pad, y, room, panel.bottom - pad - y), scale)

    def body_height(self, room: int, scale: Scale) -> int:
        """Height in pixels that `draw_body` needs."""
        return actions_height(room, self.buttons, scale) + scale.px(18)

    def draw_body(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> None:
        area.top += scale.px(18)
        draw_actions(surface, area, self.buttons, self.focus, scale)


def ask_to_delete(
    window: Navigator, name: str, what: str, delete: Callable[[], None], then: Callable[[], None]
) -> None:
    """Ask whether to delete something, of which `what` says more, and call `then` when it is deleted."""

    def gone() -> None:
        delete()
        window.say(f"Deleted {name}")
        then()

    window.go(Ask(window, f"Delete {name}?", what, [Action("Delete", gone, danger=True), Action("Keep")]))


class Prompt(Ask):
    """A question that the player answers with a line of text, at first `words`; Esc closes the question.

    Enter calls `then` with the typed text, without the spaces around it; if that fails, the question comes
    again with the text, to be mended.
    """

    typing = takes_files = True

    def __init__(
        self, window: Navigator, question: str, more: str, words: str, then: Callable[[str], None]
    ) -> None:
        answers = (Action("Cancel"), Action("OK", lambda: then(self.field.words.strip())))
        super().__init__(window, question, more, answers)
        self.field = Field(words)
        self._opened = False
        pygame.key.start_text_input()

    def failed(self) -> None:
        self.window.go(self)

    def handle(self, event: pygame.event.Event) -> None:
        if event.type == pygame.TEXTINPUT and not self._opened:
            return  # the letter of the key that asked this question
        if self.field.handle(event):
            return
        if event.type == pygame.KEYDOWN and event.key in (pygame.K_RETURN, pygame.K_KP_ENTER):
            self.press(self.buttons[1])
        elif event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE:
            self.window.back()
        elif event.type != pygame.KEYDOWN:
            super().handle(event)

    def update(self, seconds: float) -> None:
        self._opened = True
        self.field.update(seconds)

    def body_height(self, room: int, scale: Scale) -> int:
        return super().body_height(room, scale) + scale.px(62)

    def draw_body(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> None:
        rect = pygame.Rect(area.left, area.top + scale.px(18), area.width, scale.px(44))
        self.field.draw(surface, rect, scale)
        area.top = rect.bottom
        super().draw_body(surface, area, scale)
