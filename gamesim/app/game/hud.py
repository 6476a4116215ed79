"""The figures and keys beside the board: where they go, what they say, how they are drawn."""

from dataclasses import dataclass

import numpy as np
import pygame

from gamesim.app.controls import DOWN, LEFT, RIGHT, STAY, UP, Command, shown
from gamesim.app.game import temperature
from gamesim.app.game.compare import KINDS
from gamesim.app.game.session import Session
from gamesim.app.game.world import World
from gamesim.app.theme import COLOURS, Colour, Scale, font
from gamesim.app.ui.widgets import ARROWS, box, fitting, keycap, knob, meter, text, wrap
from gamesim.text import counted, signed


@dataclass(frozen=True)
class Layout:
    """Places on the play screen, in pixels; the boards and the panel never overlap."""

    boards: tuple[pygame.Rect, ...]
    panel: pygame.Rect
    column: bool  # the panel is at the right of the boards, not below them


LEAST = 63
"""Pixels of a board that share a window with its panel: below 9 pixels a cell nothing can be told apart."""
FACTS = 400
"""Height of a name, four facts and two rows of keys, in pixels of a 1280x800 window."""


def layout(size: tuple[int, int], boards: int) -> Layout:
    """Lay out one or two boards, as large as possible, and the panel in the rest of the window."""
    scale = Scale.of(size)
    width, height = size
    gap = scale.px(20)
    head = scale.px(30) if boards > 1 else 0  # names above the boards
    beside = min(height - 2 * gap - head, (width - (boards + 2) * gap - scale.px(290)) // boards)
    below = min((width - (boards + 1) * gap) // boards, height - 3 * gap - head - scale.px(165))
    column = whole(beside) >= whole(below)
    side = whole(max(beside, below))
    if side < LEAST:  # a tiny window: the board alone
        side = max(1, min(width // boards, height - gap // 2))
        left = (width - boards * side) // 2
        rects = tuple(pygame.Rect(left + i * side, 0, side, side) for i in range(boards))
        return Layout(rects, pygame.Rect(0, 0, 0, 0), True)
    used = boards * side + (boards - 1) * gap
    if column:
        top = (height - side - head) // 2 + head
        left = gap + max(0, min(gap, (width - used - 3 * gap - scale.px(330)) // 2))
        right = left + used + scale.px(28)
        tall = min(scale.px(FACTS), height - gap - (top - head))  # large words and a low board: it is higher
        panel = pygame.Rect(right, top - head, width - right - gap, max(side + head, tall))
        panel.width = min(panel.width, scale.px(420))
    else:
        top, left = gap + head, (width - used) // 2
        panel = pygame.Rect(left, top + side + gap, used, height - top - side - 2 * gap)
    rects = tuple(pygame.Rect(left + i * (side + gap), top, side, side) for i in range(boards))
    return Layout(rects, panel, column)


def whole(side: int) -> int:
    """`side`, reduced so that cells, and mostly the dream's pixels, measure a whole number of pixels."""
    unit = 84 if side >= 420 else 21
    return max(0, side - side % unit)


@dataclass(frozen=True)
class Fact:
    """One line of the panel: a label at its left, and a value at its right, in which arrows are drawn as key
    caps.

    Attributes:
        bar: length of a bar below it, 0..1; None: no bar.
        mark: place of a tick on that bar, 0..1; None: no tick.
        colour: of the value or the bar.
        bars: shares to draw instead of a value, 0..1 each.
        note: a line below, if there is room.
        slider: whether the bar has a knob.
    """

    label: str
    value: str
    bar: float | None = None
    mark: float | None = None
    colour: Colour = COLOURS["text"]
    bars: tuple[float, ...] = ()
    note: str = ""
    slider: bool = False


MOVES = {STAY: "stay", LEFT: "←", RIGHT: "→", UP: "↑", DOWN: "↓"}


def move(world: World, action: int) -> str:
    """A name for an action: an arrow in our games, the game's own word or a number in any other."""
    return MOVES[action] if world.keys is None else world.keys.words[action]


def driving(session: Session) -> list[Fact]:
    """Who drives, and what an AI presses or would press now; empty if there is no AI."""
    world = session.leader
    if world.advice is None:
        return []
    ai = session.driver == "controller"
    who = "AI" if ai else "you, while you hold a key" if session.watching else "you"
    presses, colour = "AI presses" if ai else "AI would press", "dream" if session.watching else "quiet"
    found = [
        Fact(presses, move(world, world.advice), colour=COLOURS[colour]),
        Fact("Driver", who, colour=COLOURS["dream" if ai else "text"]),
    ]
    if world.pilot is not None and world.pilot.changed:
        found.append(Fact("AI sees", world.pilot.changed, colour=COLOURS["bad"]))
    return found


def differences(session: Session) -> list[Fact]:
    """How many cells of the dream differ from the real game, and why; this also explains the marks."""
    found = session.divergence
    if found is None or found.invented is None or found.forgotten is None:
        return []
    if not session.compared:
        return [Fact("Compared", "stopped: one of them is over", colour=COLOURS["quiet"])]
    counts = {"invented": int(found.invented.sum()), "forgotten": int(found.forgotten.sum())}
    return [
        Fact(kind.capitalize(), f"{counted(counts[kind], 'cell')}", colour=COLOURS[kind], note=meaning)
        for kind, meaning in KINDS
    ]


def mixture(world: World) -> list[Fact]:
    """The weights of M's mixture; empty if the world has none."""
    weights = world.internals.get("mixture") if world.advice is not None else None
    return [] if weights is None else [Fact("Possible futures", "", bars=tuple(np.asarray(weights).tolist()))]


def facts(world: World, best: float) -> list[Fact]:
    """The facts about a world now, the most important first; `best` is the high score so far."""
    now = world.now
    if now is not None and world.title.latched:
        lives = "● " * now.lives if 0 < now.lives < 7 else str(now.lives)
        return [
            Fact("Score", f"{world.score:,.0f}"),
            Fact("Lives", lives, colour=COLOURS["real"]),
            Fact("Level", str(now.level)),
            Fact("High score", f"{max(best, world.score):,.0f}"),
        ]
    steps = f"{world.steps} / {world.limit}" if world.limit else str(world.steps)
    found = [Fact("Score", signed(world.total)), Fact("Steps", steps)]
    if world.end_probability is not None:
        p = world.end_probability
        colour = COLOURS["bad"] if p > 0.5 else COLOURS["dream"]
        found.append(Fact("Chance of an ending", f"{100 * p:.0f} %", bar=p, colour=colour))
    if world.temperature is not None:
        t = world.temperature
        place, mark = temperature.share(t), temperature.share(temperature.NEUTRAL)
        words, note = f"{t:.2f}", temperature.meaning(t)
        found.append(Fact("Temperature", words, place, mark, COLOURS["dream"], note=note, slider=True))
    return [*found, Fact("Last points", signed(world.reward))]


Bars = dict[str, pygame.Rect]
"""The place of each fact's bar, by its label."""


def draw_column(
    surface: pygame.Surface, rect: pygame.Rect, lines: list[Fact], scale: Scale, bars: Bars
) -> int:
    """Draw facts one below the other, labels left and values right; returns the y below them."""
    y, row, small = rect.top, scale.px(36), scale.px(14)
    heights = [row + (scale.px(14) if fact.bar is not None or fact.bars else 0) for fact in lines]
    spare = rect.height - sum(heights)
    for fact, height in zip(lines, heights, strict=True):
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
            draw_bar(surface, bar, fact, bars)
        y += height
        note = wrap(fact.note, small, max(1, rect.width)) if fact.note else []
        if note and spare >= len(note) * scale.px(20):
            spare -= len(note) * scale.px(20)
            for line in note:
                text(surface, line, (rect.left, y - scale.px(2)), small, COLOURS["quiet"])
                y += scale.px(20)
        pygame.draw.line(surface, COLOURS["raised"], (rect.left, y), (rect.right - 1, y))
    return y


def draw_strip(
    surface: pygame.Surface, rect: pygame.Rect, lines: list[Fact], scale: Scale, bars: Bars
) -> int:
    """Draw facts side by side in as many rows as fit, each label above its value; returns the y below them.

    If there is no room for two side by side, they become a column, whose rows are lower.
    """
    small, gap = scale.px(15), scale.px(14)
    widest = max((font(small).size(fact.label)[0] for fact in lines), default=0)
    columns = rect.width // max(scale.px(160), widest + gap)
    if columns < 2:
        return draw_column(surface, rect, lines, scale, bars)
    rows = -(-len(lines) // columns)
    columns = -(-len(lines) // max(1, rows))
    step = rect.width // max(1, columns)
    y = below = rect.top
    for i, fact in enumerate(lines):
        if i % columns == 0:  # a row with a slider is higher: its knob would touch the labels below
            barred = any(each.bar is not None for each in lines[i : i + columns])
            y, below = below, below + scale.px(64 if barred else 56)
        if y + scale.px(52) > rect.bottom:
            below = y
            break
        x, room = rect.left + i % columns * step, max(1, step - gap)
        text(surface, fact.label, (x, y), small, COLOURS["quiet"], width=room)
        if fact.bars:
            draw_bars(surface, pygame.Rect(x, y + scale.px(19), room, scale.px(36)), fact, scale)
        else:
            draw_value(surface, fact, (x, y + scale.px(19)), scale.px(20), "topleft", room)
        if fact.bar is not None:
            draw_bar(surface, pygame.Rect(x, y + scale.px(46), room, scale.px(6)), fact, bars)
    return min(below, rect.bottom)


def draw_bar(surface: pygame.Surface, rect: pygame.Rect, fact: Fact, bars: Bars) -> None:
    """Draw the bar of a fact, with a knob if it can be dragged."""
    share = min(1.0, max(0.0, fact.bar or 0.0))
    meter(surface, rect, share, fact.colour, fact.mark)
    if fact.slider:
        place = (rect.left + round(share * rect.width), rect.centery)
        knob(surface, place, rect.height, max(1, rect.height // 4))
    bars[fact.label] = rect


def draw_bars(surface: pygame.Surface, area: pygame.Rect, fact: Fact, scale: Scale) -> None:
    """Draw shares as columns with their percentages; if there is little room, only the greatest has one."""
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


def draw_value(
    surface: pygame.Surface, fact: Fact, place: tuple[int, int], size: int, anchor: str, room: int
) -> None:
    """Draw the value of a fact, with arrows as key caps.

    A row of ● becomes lives, and a ● before words blinks (recording). A value that is too long for its line
    gets smaller letters, or else a second line, which moves nothing around it.
    """
    words, (left, y), right = fact.value.split(), place, anchor == "midright"
    middle = y if right else y + round(size * 0.62)
    if any(word in ARROWS for word in words):
        cap, gap = round(size * 0.75), size // 2
        widths = [round(cap * 1.9) if word in ARROWS else font(size, True).size(word)[0] for word in words]
        x = left - sum(widths) - gap * (len(words) - 1) if right else left
        for word, width in zip(words, widths, strict=True):
            if word in ARROWS:
                keycap(surface, word, (x, middle), cap)
            else:
                text(surface, word, (x, middle), size, fact.colour, bold=True, anchor="midleft", width=room)
            x += width + gap
    elif set(words) == {"●"}:
        radius = round(size * 0.36)
        step = round(2.6 * radius)
        x = left - step * len(words) + radius if right else left + radius
        for here in range(x, x + step * len(words), step):
            pygame.draw.circle(surface, fact.colour, (here, middle), radius)
            mouth = [(here + radius + 1, middle + up * radius * 0.7) for up in (-1, 1)]
            pygame.draw.polygon(surface, COLOURS["back"], [(here, middle), *mouth])
    elif fact.value.startswith("● "):
        radius, lit = round(size * 0.3), pygame.time.get_ticks() % 1000 < 650
        place, width = (left if right else left + 3 * radius, y), max(1, room - 3 * radius)
        rect = text(surface, fact.value[2:], place, size, bold=True, anchor=anchor, width=width)
        dot = (rect.left - 2 * radius, rect.centery)
        pygame.draw.circle(surface, fact.colour if lit else COLOURS["raised"], dot, radius)
    else:
        colour = COLOURS["text"] if fact.bar is not None else fact.colour
        size = fitting(fact.value, size, room, bold=True)
        lines = wrap(fact.value, size, room, bold=True, most=2)
        for i, line in enumerate(lines):
            down = round((i - (len(lines) - 1) / 2 * right) * 1.2 * size)
            text(surface, line, (left, y + down), size, colour, bold=True, anchor=anchor, width=room)


def hints(
    session: Session, partner: bool = True, driver: bool = True, pixels: bool = False
) -> list[tuple[Command, str]]:
    """The keys that do something here, the most important first; a small panel leaves out the last ones.

    This dream may have its game here, or this game a dream (`partner`), and an AI may be able to drive
    (`driver`). `pixels` tells whether the boards are shown as pixels.
    """
    world, beside = session.world, session.beside
    dream, ego = session.temperature is not None, world.ego
    ended = any(side.over for side in session.playing)
    known = (
        (beside and ended, Command.AGAIN, "go on"),
        (True, Command.RESET, "new game"),
        (True, Command.HELP, "all keys"),
        (driver and session.watching, Command.DRIVER, "drive yourself"),
        (world.keys is not None, Command.SETTINGS, "change keys"),
        (partner, Command.SWITCH, "real game" if world.temperature is not None else "dream"),
        (partner, Command.BESIDE, "one alone" if beside else "side by side"),
        (True, Command.BACK, "back"),
        (dream, Command.ABOUT, "what is this?"),
        (dream, Command.XRAY, "x-ray"),
        (dream, Command.COOLER, "colder"),
        (dream, Command.WARMER, "warmer"),
        (session.can_rewind, Command.REWIND, "rewind"),
        (driver and not session.watching, Command.DRIVER, "let the AI drive"),
        (ego and not beside, Command.HOME, "coming home"),
        (beside and not ended, Command.AGAIN, "dream again"),
        (dream, Command.ENDLESS, "stop at ends" if session.endless else "ignore ends"),
        (dream, Command.DOUBT, "how sure?"),
        (True, Command.LOOK, "drawn large" if pixels else "pixels"),
        (True, Command.PAUSE, "resume" if session.paused else "pause"),
        (True, Command.RECORD, "stop recording" if world.recording else "record"),
        (ego, Command.RESKIN, "night or garden"),
        (world.pilot is not None, Command.ATTACK, "attack the AI"),
        (dream, Command.LAYERS, "background"),
        (dream, Command.STORY, "why temperature"),
        (dream, Command.NEUTRAL, "temperature 1.0"),
        (not dream, Command.ABOUT, "what is this?"),
        (True, Command.GIF, "save a film"),
        (True, Command.STEP, "one step"),
    )
    return [(command, words) for works, command, words in known if works]


def draw_hints(
    surface: pygame.Surface, rect: pygame.Rect, known: list[tuple[Command, str]], scale: Scale
) -> list[tuple[pygame.Rect, Command]]:
    """Draw as many lines of keys as fit, from the bottom of `rect` up; returns the place of each key."""
    size, row = scale.px(13), scale.px(31)
    columns = 3 if rect.width > scale.px(700) else 2 if rect.width >= scale.px(250) else 1
    lines = min(-(-len(known) // columns), max(0, rect.height // row))
    step = rect.width // columns
    places: list[tuple[pygame.Rect, Command]] = []
    mouse = pygame.mouse.get_pos()
    for i, (command, words) in enumerate(known[: lines * columns]):
        place = pygame.Rect(rect.left + i % columns * step, rect.bottom - lines * row, step, row)
        place.top += i // columns * row
        if place.collidepoint(mouse):
            box(surface, place, COLOURS["panel"], scale.px(8))
        right = keycap(surface, shown(command), (place.left, place.centery), size).right + scale.px(8)
        room, at = max(1, place.right - right - scale.px(8)), (right, place.centery)
        text(surface, words, at, scale.px(15), COLOURS["quiet"], anchor="midleft", width=room, shrinks=True)
        places.append((place, command))
    return places
