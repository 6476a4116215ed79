"""The keys, on top of any screen: made from the key table."""

from itertools import groupby

import pygame

from gamesim.app.controls import BINDINGS
from gamesim.app.theme import COLOURS, Scale, font
from gamesim.app.widgets import box, keycap, text


class Help:
    """An overlay that lists every key; two columns where the window is wide enough."""

    def draw(self, surface: pygame.Surface) -> None:
        size = surface.get_size()
        shade = pygame.Surface(size, pygame.SRCALPHA)
        shade.fill((*COLOURS["back"], 215))
        surface.blit(shade, (0, 0))
        scale = Scale.of(size)
        lines = [b for b in BINDINGS if b.shown]
        groups = [(name, list(group)) for name, group in groupby(lines, key=lambda b: b.group)]
        row, body = scale.px(34), scale.px(17)
        columns = 2 if size[0] >= 640 else 1
        split = [[*groups[:1], *groups[2:3]], [*groups[1:2], *groups[3:]]] if columns == 2 else [groups]
        height = max(sum(len(g) * row + scale.px(52) for _, g in part) for part in split) + scale.px(86)
        width = min(size[0] - 2 * scale.px(12), scale.px(500) * columns)
        panel = pygame.Rect(0, 0, max(1, width), min(height, size[1] - 2 * scale.px(12)))
        panel.center = (size[0] // 2, size[1] // 2)
        box(surface, panel, COLOURS["panel"], scale.px(16), COLOURS["line"])
        clip = surface.get_clip()
        surface.set_clip(panel)
        left, top = panel.left + scale.px(34), panel.top + scale.px(24)
        text(surface, "Keys", (left, top), scale.head, bold=True)
        caption = "F1 or Esc closes this"
        right = (panel.right - scale.px(34), top + scale.px(8))
        text(surface, caption, right, scale.small, COLOURS["quiet"], anchor="topright")
        step = (panel.width - scale.px(40)) // columns
        for i, part in enumerate(split):
            self._draw_column(surface, part, left + i * step, top + scale.px(52), step, scale, row, body)
        surface.set_clip(clip)

    def _draw_column(
        self,
        surface: pygame.Surface,
        groups: list,
        x: int,
        y: int,
        width: int,
        scale: Scale,
        row: int,
        body: int,
    ) -> None:
        for name, bindings in groups:
            text(surface, name, (x, y), scale.px(15), COLOURS["real"], bold=True)
            y += scale.px(26)
            indent = scale.px(140)
            for binding in bindings:
                middle = y + row // 2
                cap_x = x
                for word in binding.shown.split("  "):
                    cap_x = keycap(surface, word, (cap_x, middle), scale.px(14)).right + scale.px(5)
                start = max(x + indent, cap_x + scale.px(6))
                room = x + width - start - scale.px(8)
                size = body if font(body).size(binding.text)[0] <= room else max(6, round(body * 0.86))
                text(surface, binding.text, (start, middle), size, anchor="midleft", width=max(1, room))
                y += row
            y += scale.px(26)
