"""A run as the screens show it: its state, its facts, and the question before it is deleted."""

from collections.abc import Callable

import pygame

from gamesim.app.library.cards import spell
from gamesim.app.library.runs import Run, State
from gamesim.app.navigation import Navigator
from gamesim.app.theme import COLOURS, Colour, Scale
from gamesim.app.ui import ask
from gamesim.app.ui.parts import dot
from gamesim.app.ui.widgets import box, meter, paragraph, text, wrap
from gamesim.systems import with_part

WORDS: dict[State, tuple[str, str]] = {
    "starting": ("getting ready", "dream"),
    "training": ("training", "good"),
    "paused": ("paused", "real"),
    "stopping": ("stopping", "real"),
    "done": ("done", "good"),
    "stopped": ("stopped", "quiet"),
    "failed": ("failed", "bad"),
}
"""A state in words, and its colour."""


def state_words(run: Run) -> tuple[str, Colour]:
    """What a run is doing, in words and a colour."""
    words, colour = WORDS[run.state]
    if run.state == "training" and run.log.section != "training":
        words = f"training {run.log.section}"
    return words, COLOURS[colour]


def run_facts(run: Run) -> list[tuple[str, str]]:
    """The facts about a run, as label and value."""
    log = run.log
    facts = [
        ("Step", f"{log.step:,} of {log.steps:,}" if log.steps else "–"),
        ("Time left", spell(run.eta) if run.eta is not None else "–"),
        ("Trained for", spell(log.seconds)),
        ("Frames/s", f"{log.frames_per_second:,.0f}" if log.frames_per_second else "–"),
        ("Preset", log.preset or "–"),
        ("Recordings", run.data.name if run.data else "started elsewhere"),
        ("Folder", f"{run.folder.parent.name}/{run.name}"),
    ]
    whole = with_part(log.section)
    if whole is not None:
        place = whole.parts.index(log.section) + 1
        facts.insert(0, ("Part", f"{log.section}, {place} of {len(whole.parts)}"))
    return facts


def draw_state(surface: pygame.Surface, area: pygame.Rect, run: Run, scale: Scale) -> int:
    """Draw what a run is doing, how far it is, and why it failed; returns the y below."""
    words, colour = state_words(run)
    dot(surface, (area.left + scale.px(6), area.top + scale.px(12)), scale.px(6), colour)
    where = (area.left + scale.px(20), area.top + scale.px(12))
    room = max(1, area.width - scale.px(90))
    line = text(surface, words, where, scale.px(17), colour, bold=True, anchor="midleft", width=room)
    percent = (area.right, line.centery)
    text(surface, f"{100 * run.log.share:.0f} %", percent, scale.px(17), bold=True, anchor="midright")
    bar = pygame.Rect(area.left, line.bottom + scale.px(6), area.width, scale.px(9))
    meter(surface, bar, run.log.share, colour)
    y = bar.bottom + scale.px(8)
    if run.doing:
        y = paragraph(surface, run.doing, (area.left, y), scale.px(15), max(1, area.width)) + scale.px(4)
    if run.why:
        pad = scale.px(10)
        width, size = max(1, area.width - 2 * pad), scale.px(15)
        height = 2 * pad + round(size * 1.35 * len(wrap(run.why, size, width)))
        panel = pygame.Rect(area.left, y, area.width, height)
        box(surface, panel, COLOURS["back"], scale.px(8), colour)
        paragraph(surface, run.why, (panel.left + pad, panel.top + pad), size, width, COLOURS["text"])
        y = panel.bottom + scale.px(6)
    return y


def ask_to_delete(window: Navigator, run: Run, then: Callable[[], None]) -> None:
    """Ask whether to delete a run with its engine, and call `then` when it is deleted."""
    run.follow()
    if run.live:
        window.say(f"{run.name} is still training: stop it first")
        return
    what = "This deletes the model, its curves and its samples. It cannot be undone."
    ask.ask_to_delete(window, run.name, what, run.delete, then)
