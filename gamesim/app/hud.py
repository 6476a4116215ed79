"""What stands beside the board: where it goes, what it says, how it is drawn."""

from dataclasses import dataclass, field, replace

import numpy as np
import pygame

from gamesim.app.controls import DOWN, LEFT, RIGHT, STAY, UP, Command, shown
from gamesim.app.play import COLDEST, EGO, HOTTEST, NEUTRAL, Engine
from gamesim.app.session import Session
from gamesim.app.theme import COLOURS, Colour, Scale, font
from gamesim.app.widgets import ARROWS, keycap, meter, text

Hint = tuple[Command, str]
"""A key and what it does here, in a word or two."""


@dataclass(frozen=True)
class Layout:
    """Places on the play screen, in pixels; the boards and the panel never overlap."""

    boards: tuple[pygame.Rect, ...]
    panel: pygame.Rect
    column: bool  # the panel stands at the right of the boards, else it lies below them
    film: pygame.Rect = field(default_factory=lambda: pygame.Rect(0, 0, 0, 0))  # at the bottom of the window


def layout(size: tuple[int, int], boards: int, film: int = 0) -> Layout:
    """Lay out one or two boards, as large as they can be, and the panel in what is left.

    Args:
        size: of the window.
        boards: one or two.
        film: height of the filmstrip, 0 for none; a window that is too low for it has none.
    """
    scale = Scale.of(size)
    if film and size[1] - film >= scale.px(300):
        above = layout((size[0], size[1] - film), boards)
        strip = pygame.Rect(scale.px(20), size[1] - film, size[0] - 2 * scale.px(20), film - scale.px(8))
        return replace(above, film=strip)
    width, height = size
    gap = scale.px(20)
    head = scale.px(30) if boards > 1 else 0  # names above the boards
    beside = min(height - 2 * gap - head, (width - (boards + 2) * gap - scale.px(290)) // boards)
    below = min((width - (boards + 1) * gap) // boards, height - 3 * gap - head - scale.px(150))
    column = whole(beside) >= whole(below)
    side = whole(max(beside, below))
    if side < 42:  # a tiny window: the board alone
        side = max(1, min(width // boards, height))
        rects = tuple(pygame.Rect(i * side, 0, side, side) for i in range(boards))
        return Layout(rects, pygame.Rect(0, 0, 0, 0), True)
    used = boards * side + (boards - 1) * gap
    if column:
        top = (height - side - head) // 2 + head
        left = gap + max(0, min(gap, (width - used - 3 * gap - scale.px(330)) // 2))
        right = left + used + scale.px(28)
        panel = pygame.Rect(right, top - head, width - right - gap, side + head)
        panel.width = min(panel.width, scale.px(420))
    else:
        top, left = gap + head, (width - used) // 2
        panel = pygame.Rect(left, top + side + gap, used, height - top - side - 2 * gap)
    rects = tuple(pygame.Rect(left + i * (side + gap), top, side, side) for i in range(boards))
    return Layout(rects, panel, column)


def whole(side: int) -> int:
    """`side` made smaller so that cells, and mostly the dream's pixels, are whole numbers of pixels."""
    unit = 84 if side >= 420 else 21
    return max(0, side - side % unit)


@dataclass(frozen=True)
class Fact:
    """One line of the panel: a label, a value, and a bar from 0 to 1 where that helps.

    A value that is an arrow (or several words, some of them arrows) has them drawn as key caps; `bars` are
    drawn instead of a value.
    """

    label: str
    value: str
    bar: float | None = None
    mark: float | None = None
    colour: Colour = COLOURS["text"]
    bars: tuple[float, ...] = ()


MOVES = {STAY: "stay", LEFT: "←", RIGHT: "→", UP: "↑", DOWN: "↓"}


def driving(session: Session) -> list[Fact]:
    """Who drives, what a controller would do now, and what M weighs its futures with."""
    engine = session.leader
    quiet, dream = COLOURS["quiet"], COLOURS["dream"]
    if engine.advice is None:
        return [Fact("Driving", "you")]
    if session.driver == "controller":
        found = [Fact("Driving", "controller", colour=dream)]
    elif session.watching:
        found = [Fact("Driving", "you, while you hold")]
    else:
        found = [Fact("Driving", "you")]
    label = "It does" if session.driver == "controller" else "It would"
    found.append(Fact(label, MOVES[engine.advice], colour=dream if session.watching else quiet))
    return found


def differences(session: Session) -> list[Fact]:
    """How many cells of the real game and its dream differ now."""
    found = session.divergence
    if found is None or found.now is None:
        return []
    count = int(found.now.sum())
    return [
        Fact("Cells that differ", f"{count} of {found.now.size}", colour=COLOURS["bad" if count else "good"])
    ]


def mixture(engine: Engine) -> list[Fact]:
    """The weights of M's mixture, where an engine has one."""
    weights = engine.internals.get("mixture") if engine.advice is not None else None
    return [] if weights is None else [Fact("Mixture", "", bars=tuple(np.asarray(weights).tolist()))]


def signed(value: float) -> str:
    """With its sign and one decimal; a zero is positive."""
    return f"{round(value, 1) + 0.0:+.1f}"


def facts(engine: Engine, best: float) -> list[Fact]:
    """What there is to say about an engine now, the most important first."""
    now = engine.now
    points = now is not None and engine.title.latched
    if now is None or not points:
        found = [Fact("Return", signed(engine.total))]
    else:
        found = [Fact("Score", f"{engine.score:,.0f}")]
        found.append(Fact("High score", f"{max(best, engine.score):,.0f}"))
        lives = "● " * now.lives if 0 < now.lives < 7 else str(now.lives)
        found.append(Fact("Lives", lives, colour=COLOURS["real"]))
        found.append(Fact("Level", str(now.level)))
    limit = engine.limit
    found.append(Fact("Steps", f"{engine.steps} / {limit}" if limit else str(engine.steps)))
    if not points:
        found.append(Fact("Last reward", signed(engine.reward)))
    if engine.end_probability is not None:
        p = engine.end_probability
        colour = COLOURS["bad"] if p > 0.5 else COLOURS["dream"]
        found.append(Fact("P(end)", f"{p:.2f}", bar=p, colour=colour))
    if engine.temperature is not None:
        t, span = engine.temperature, HOTTEST - COLDEST
        mark = (NEUTRAL - COLDEST) / span
        found.append(Fact("Temperature", f"{t:.1f}", (t - COLDEST) / span, mark, COLOURS["dream"]))
    return found


def housekeeping(recording: str | None, fps: float) -> list[Fact]:
    """Whether it is recorded, and how smooth the window is."""
    on = recording is not None
    return [
        Fact("Recording", recording or "off", colour=COLOURS["record"] if on else COLOURS["quiet"]),
        Fact("Frames/s", f"{fps:.0f}", colour=COLOURS["quiet"]),
    ]


def draw_column(surface: pygame.Surface, rect: pygame.Rect, lines: list[Fact], scale: Scale) -> int:
    """Facts one below the other, labels left and values right; returns the y below them."""
    y, row = rect.top, scale.px(36)
    for fact in lines:
        height = row + (scale.px(14) if fact.bar is not None or fact.bars else 0)
        if y + height > rect.bottom:
            break
        middle = y + row // 2
        place, size = (rect.left, middle), scale.px(17)
        label = text(surface, fact.label, place, size, COLOURS["quiet"], anchor="midleft")
        room = max(1, rect.right - label.right - scale.px(8))
        if fact.bars:
            area = pygame.Rect(0, y + scale.px(4), min(room, scale.px(220)), height - scale.px(8))
            area.right = rect.right
            draw_bars(surface, area, fact, scale)
        else:
            draw_value(surface, fact, (rect.right, middle), scale.px(19), "midright", room)
        if fact.bar is not None:
            bar = pygame.Rect(rect.left, y + row - scale.px(2), rect.width, scale.px(7))
            meter(surface, bar, fact.bar, fact.colour, fact.mark)
        y += height
        pygame.draw.line(surface, COLOURS["raised"], (rect.left, y), (rect.right - 1, y))
    return y


def draw_strip(surface: pygame.Surface, rect: pygame.Rect, lines: list[Fact], scale: Scale) -> int:
    """Facts side by side in as many rows as fit, each a label above its value; returns the y below them."""
    step = max(scale.px(126), 1)
    columns = max(1, rect.width // step)
    rows = -(-len(lines) // columns)
    columns = -(-len(lines) // rows)
    step, height = rect.width // columns, scale.px(62)
    for i, fact in enumerate(lines):
        x, y = rect.left + i % columns * step, rect.top + i // columns * height
        if y + scale.px(46) > rect.bottom:
            break
        room = max(1, step - scale.px(14))
        text(surface, fact.label, (x, y), scale.px(15), COLOURS["quiet"], width=room)
        if fact.bars:
            draw_bars(surface, pygame.Rect(x, y + scale.px(19), room, scale.px(36)), fact, scale)
        else:
            draw_value(surface, fact, (x, y + scale.px(19)), scale.px(20), "topleft", room)
        if fact.bar is not None:
            bar = pygame.Rect(x, y + scale.px(46), room, scale.px(6))
            meter(surface, bar, fact.bar, fact.colour, fact.mark)
    return min(rect.top + rows * height, rect.bottom)


def draw_bars(surface: pygame.Surface, area: pygame.Rect, fact: Fact, scale: Scale) -> None:
    """Shares side by side, each a column and its percentage; where it is narrow, only the greatest's."""
    step, foot = area.width // len(fact.bars), scale.px(14)
    roomy, greatest = step >= scale.px(26), int(np.argmax(fact.bars))
    for i, share in enumerate(fact.bars):
        track = pygame.Rect(area.left + i * step, area.top, step - scale.px(6), area.height - foot)
        surface.fill(COLOURS["raised"], track)
        full = round(track.height * min(1.0, max(0.0, share)))
        surface.fill(COLOURS["dream"], (track.left, track.bottom - full, track.width, full))
        if roomy or i == greatest:
            below = (track.centerx, track.bottom + scale.px(1))
            text(surface, f"{100 * share:.0f}%", below, scale.px(12), COLOURS["quiet"], anchor="midtop")


def draw_keys(
    surface: pygame.Surface, fact: Fact, place: tuple[int, int], size: int, anchor: str, room: int
) -> None:
    """A value some of whose words are arrows: those are drawn as key caps."""
    words = fact.value.split()
    cap, gap = round(size * 0.75), size // 2
    widths = [round(cap * 1.9) if word in ARROWS else font(size, True).size(word)[0] for word in words]
    right = anchor == "midright"
    x = place[0] - sum(widths) - gap * (len(words) - 1) if right else place[0]
    middle = place[1] if right else place[1] + round(size * 0.62)
    for word, width in zip(words, widths, strict=True):
        if word in ARROWS:
            keycap(surface, word, (x, middle), cap)
        else:
            text(surface, word, (x, middle), size, fact.colour, bold=True, anchor="midleft", width=room)
        x += width + gap


def draw_value(
    surface: pygame.Surface, fact: Fact, place: tuple[int, int], size: int, anchor: str, room: int
) -> None:
    """The value of a fact; rows of ● are drawn as discs (lives), a leading ● blinks (recording)."""
    if any(word in ARROWS for word in fact.value.split()):
        draw_keys(surface, fact, place, size, anchor, room)
        return
    if fact.value.startswith("● ") and set(fact.value) == {"●", " "}:
        count, radius = fact.value.count("●"), round(size * 0.36)
        step = round(2.6 * radius)
        x = place[0] - step * count + radius if anchor == "midright" else place[0] + radius
        y = place[1] if anchor == "midright" else place[1] + round(size * 0.62)
        for i in range(count):
            here = (x + i * step, y)
            pygame.draw.circle(surface, fact.colour, here, radius)
            mouth = [here, (here[0] + radius + 1, y - radius * 0.7), (here[0] + radius + 1, y + radius * 0.7)]
            pygame.draw.polygon(surface, COLOURS["back"], mouth)
        return
    if fact.value.startswith("● "):
        words, radius = fact.value[2:], round(size * 0.3)
        lit = pygame.time.get_ticks() % 1000 < 650
        rect = text(
            surface, words, place if anchor == "midright" else (place[0] + 3 * radius, place[1]),
            size, bold=True, anchor=anchor, width=max(1, room - 3 * radius),
        )  # fmt: skip
        dot = (rect.left - 2 * radius, rect.centery)
        pygame.draw.circle(surface, fact.colour if lit else COLOURS["raised"], dot, radius)
        return
    colour = COLOURS["text"] if fact.bar is not None else fact.colour
    text(surface, fact.value, place, size, colour, bold=True, anchor=anchor, width=room)


def hints(session: Session) -> list[Hint]:
    """The keys that do something here, those that matter most last: they are left out last."""
    dream = any(engine.temperature is not None for engine in session.playing)
    found: list[Hint] = [(Command.DRIVER, "who drives")]
    if dream:
        found += [(Command.LAYERS, "swap layers"), (Command.COOLER, "cooler"), (Command.WARMER, "warmer")]
    if not session.beside and session.engine.grid == EGO:
        found.append((Command.HOME, "coming home"))
    if dream:
        found += [(Command.XRAY, "x-ray"), (Command.REWIND, "rewind")]
    found += [(Command.RECORD, "record"), (Command.PAUSE, "pause")]
    found += [(Command.SWITCH, "real or dream"), (Command.BESIDE, "side by side")]
    return [*found, (Command.RESET, "new game"), (Command.HELP, "all keys")]


def draw_hints(surface: pygame.Surface, rect: pygame.Rect, known: list[Hint], scale: Scale) -> int:
    """Keys from the bottom of `rect` up, as many lines of them as fit; returns their top."""
    size, row = scale.px(13), scale.px(31)
    columns = 3 if rect.width > scale.px(700) else 2 if rect.width >= scale.px(280) else 1
    lines = min(-(-len(known) // columns), max(0, rect.height // row))
    lines = lines if lines * columns >= 3 else 0  # one or two keys alone would only be in a message's way
    step = rect.width // columns
    for i, (command, words) in enumerate(known[max(0, len(known) - lines * columns) :]):
        x = rect.left + i % columns * step
        y = rect.bottom - lines * row + i // columns * row + row // 2
        right = keycap(surface, shown(command), (x, y), size).right + scale.px(8)
        room = max(1, x + step - right - scale.px(4))
        text(surface, words, (right, y), scale.px(15), COLOURS["quiet"], anchor="midleft", width=room)
    return rect.bottom - lines * row
