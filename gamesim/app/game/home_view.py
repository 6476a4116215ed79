"""Coming home, on screen: the way back, and the pictures of home before and after."""

import pygame

from gamesim.app.controls import Command, shown
from gamesim.app.game.compare import draw_pair
from gamesim.app.game.homecoming import AWAY, WALK, Homecoming, Verdict
from gamesim.app.game.hud import Fact
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.widgets import box, paragraph, text


def home_facts(home: Homecoming) -> list[Fact]:
    """How far the player has come: first away from home, then back."""
    good = COLOURS["good"]
    if not home.returning:
        return [Fact("Walk away", f"{home.farthest} of {WALK} cells", home.farthest / WALK, colour=good)]
    x, y = home.place
    ways = [f"{abs(x)} {'←' if x > 0 else '→'}"] * (x != 0) + [f"{abs(y)} {'↑' if y > 0 else '↓'}"] * (y != 0)
    return [Fact("Come home", " ".join(ways) or "here", max(0.0, 1 - home.away / WALK), colour=good)]


def draw_way(
    surface: pygame.Surface,
    rect: pygame.Rect,
    home: Homecoming,
    part: float,
    scale: Scale,
    covered: int = 0,
) -> None:
    """Draw a line around home on a board of 7x7 cells, or an arrow to it at the edge if it is out of sight.

    `part`, 0..1, of the last move has been drawn. The arrow stays below words that cover so many pixels of
    the top.
    """
    rows, columns = home.world.grid
    x, y = home.place_at(part)
    cell = rect.width // columns
    if abs(x) <= columns // 2 and abs(y) <= rows // 2:
        left, top = rect.left + (columns // 2 - x) * cell, rect.top + (rows // 2 - y) * cell
        place = pygame.Rect(round(left), round(top), cell, cell).clip(rect)
        line = max(2, scale.px(3))
        pygame.draw.rect(surface, COLOURS["good"], place, line, border_radius=scale.px(8))
        return
    toward = pygame.Vector2(-x, -y).normalize()
    tip = pygame.Vector2(rect.center) + toward * (rect.width / 2 - scale.px(14))
    tip.y = max(tip.y, rect.top + covered + scale.px(14))
    back, side = toward * scale.px(46), toward.rotate(90) * scale.px(22)
    corners = [tip, tip - back + side, tip - back * 0.7, tip - back - side]
    pygame.draw.polygon(surface, COLOURS["good"], corners)
    pygame.draw.polygon(surface, COLOURS["back"], corners, max(1, scale.px(2)))


def draw_verdict(
    surface: pygame.Surface, area: pygame.Rect, verdict: Verdict, scale: Scale, words: str = ""
) -> None:
    """Draw what became of home: the share, both pictures with marks on forgotten cells, and how to go on."""
    pad = scale.px(24)
    width = min(area.width, scale.px(640))
    side = min((width - 2 * pad - scale.px(10)) // 2, area.height - scale.px(170))
    panel = pygame.Rect(0, 0, 2 * max(side, 1) + scale.px(10) + 2 * pad, max(side, 1) + scale.px(166))
    panel.width = min(area.width, max(panel.width, scale.px(400)))
    panel.center = area.center
    box(surface, panel, COLOURS["panel"], scale.px(16), COLOURS["line"])
    room = max(1, panel.width - 2 * pad)
    large = f"{100 * verdict.share:.0f} % forgotten" if verdict.share else "Nothing forgotten"
    colour = COLOURS["bad" if verdict.share else "good"]
    x, y = panel.centerx, panel.top + scale.px(20)
    text(surface, large, (x, y), scale.px(26), colour, bold=True, anchor="midtop", width=room)
    y += scale.px(38)
    text(surface, verdict.words, (x, y), scale.px(18), COLOURS["quiet"], anchor="midtop", width=room)
    if side >= scale.px(40):
        pair = pygame.Rect(panel.centerx - side - scale.px(5), y + scale.px(34), 2 * side + scale.px(10), 0)
        pair.height = side + scale.px(20)
        homes, names = (verdict.before, verdict.after), ("as you left it", "as it is now")
        draw_pair(surface, pair, homes, names, verdict.forgotten, scale)
    words = words or f"{shown(Command.HOME)} play on · {shown(Command.RESET)} new game"
    below = (x, panel.bottom - scale.px(18))
    text(surface, words, below, scale.px(16), COLOURS["real"], bold=True, anchor="midbottom", width=room)


def draw_there_and_back(surface: pygame.Surface, area: pygame.Rect, scale: Scale, verdict: Verdict) -> int:
    """Draw what became of a place after a copy of the dream walked away and back; returns the y below."""
    y = text(surface, "The same place, a few steps later", area.topleft, scale.px(20), bold=True).bottom
    words = f"A copy of this dream walked {AWAY} cells away and came back. {verdict.words}."
    place = (area.left, y + scale.px(4))
    y = paragraph(surface, words, place, scale.px(18), area.width, row=scale.px(25)) - scale.px(4)
    pair = pygame.Rect(area.left, y + scale.px(10), min(area.width, scale.px(460)), scale.px(240))
    homes = (verdict.before, verdict.after)
    drawn = draw_pair(surface, pair, homes, ("before", "after"), verdict.forgotten, scale)
    return drawn.bottom + scale.px(22)
