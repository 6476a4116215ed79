"""What am I looking at? One page for each kind of model, with the numbers of the dream that is running.

Another page tells why temperature matters: an AI cheats in a cold dream, by the paper's figures and ours.
"""

from collections.abc import Callable, Sequence
from functools import partial

from gamesim.app.game.home_view import draw_there_and_back
from gamesim.app.game.homecoming import Verdict, there_and_back
from gamesim.app.game.world import World
from gamesim.app.library import catalog
from gamesim.app.library.cards import LEARNED_FROM
from gamesim.app.navigation import MOVING, Navigator
from gamesim.app.ui.pages import Block, Page, Picture, Table, Words
from gamesim.app.xray.flow import draw_flow
from gamesim.card import facts_in
from gamesim.systems import find

GAME = (
    Words(
        "This is the real game. A program knows its rules, draws each picture and counts the points. Nothing "
        "here is learned.",
        "The real game",
    ),
    Words(
        "A dream is a game that a neural network makes up. The network watched thousands of recorded games: "
        "the pictures and the keys that were pressed. Nobody told it what the pictures show.",
        "And a dream?",
    ),
)
DREAMT = Words("Press [SWITCH] to play in the dream of this game, or [BESIDE] to see both side by side.")
DREAM = Words(
    "No game is running. A neural network draws each picture from the last ones and the key you press. It "
    "learned this from the pictures and keys of recorded games. It contains no board and no rules.",
    "A dream",
)
COMMON = (
    Words(
        "With every picture the network also says how likely it is that the game ends here. Above 50 % the "
        "dream is over.",
        "Chance of an ending",
    ),
    Words(
        "How much is left to chance. Cold dreams show what is likeliest, warm ones are full of surprises. "
        "Drag the slider, or press [COOLER] and [WARMER]. [STORY] tells the story behind it.",
        "Temperature",
    ),
)
GAMEGAN = (
    Words(
        "GameGAN (Kim et al. 2020) has three parts. The dynamics engine turns your key and the last picture "
        "into a new hidden state. The memory module has a slot for each place. The rendering "
        "engine draws two layers, the static one from memory and the dynamic one from the hidden state, and "
        "a mask that decides for each pixel which layer is shown.",
        "How this model works",
    ),
    Words(
        "New random numbers at each step. They decide what is left to chance, such as where a ghost turns.",
        "z",
    ),
    Words(
        "A board of slots. Your keys move the place where it is read and written; the model was told which "
        "keys are opposites. With it, a place should look the same when you come back. As in the paper, a "
        "slot is written over before it is read, so the model forgets part of what it drew.",
        "Memory",
    ),
)
GAMEGAN_RECALL = (
    *GAMEGAN[:2],
    Words(
        "A board of slots. Your keys move the place where it is read and written; the model was told which "
        "keys are opposites. With it, a place should look the same when you come back. In the paper, a slot "
        "is written over before it is read. This model has one part that the paper lacks: for each place it "
        "also draws what the slot held before, and chooses the likelier of the two.",
        "Memory, with recall",
    ),
)
GAMEGAN_M = (
    Words(
        "This is GameGAN (Kim et al. 2020) without its memory module, which the paper uses for comparison. "
        "The dynamics engine turns your key and the last picture into a new hidden state, and the rendering "
        "engine draws the next picture from it. What leaves the picture is made up again when it comes back.",
        "How this model works",
    ),
    GAMEGAN[1],
)
TILEMAP = (
    Words(
        "Tilemap is this project's own model. It was told that the picture is made of cells and scrolls by "
        "whole cells, and which cell is yours. It learns everything else: which tiles exist, what blocks "
        "you, how ghosts move. For each cell it says how likely each tile is, and draws one.",
        "How this model works",
    ),
    Words("Random numbers, one for every tile in every cell. They decide which tile is drawn.", "z"),
    Words(
        "A map of slots that scrolls with you. What was on screen is written into it. When you come back to "
        "a place, it is drawn from there.",
        "Memory",
    ),
)
WORLD_MODEL = (
    Words(
        "World Models (Ha and Schmidhuber 2018) have three parts. V, vision, squeezes each picture into a "
        "few numbers, z. M, the memory of what happened, predicts the next z from this one and your key. C, "
        "a small controller, looks at z and at M, and picks the key: it is the AI that can drive here.",
        "How this model works",
    ),
    Words("The picture as a few numbers. In x-ray ([XRAY]) you can drag them and see what changes.", "z"),
    Words(
        "M does not predict one future but several, each with a probability. One of them is drawn. The bars "
        "show how likely each was.",
        "Mixture: possible futures",
    ),
    Words(
        "M remembers what happened in the last steps, but it keeps no map of the board. What leaves the "
        "picture is made up again when it comes back. GameGAN and Tilemap do have a map.",
        "No memory of the board",
    ),
)
PLACES = Words(
    "This is our own variant. It was told the size of a cell. V looks at each cell by itself, so z has a few "
    "numbers for every cell, and M predicts cell by cell.",
    "World Model (places)",
)
KINDS: dict[str, Sequence[Words]] = {"gamegan": GAMEGAN, "tilemap": TILEMAP, "world-model": WORLD_MODEL}


def _kind(world: World) -> Sequence[Words]:
    """The text about a kind of model: one of ours, or the one in the entry of its system."""
    system, shown = world.title.system, world.internals
    if system == "gamegan" and ("memory" not in shown or "recalled" in shown):
        return GAMEGAN_RECALL if "memory" in shown else GAMEGAN_M
    found = None if system in KINDS else find(system)
    return (Words(found.about, found.title),) if found and found.about else KINDS.get(system, ())


class About(Page):
    """The page about one world, which goes on playing below it: `keep_playing` lets so many seconds pass
    there.
    """

    caption = "What am I looking at?"

    def __init__(self, window: Navigator, world: World, keep_playing: Callable[[float], None]) -> None:
        super().__init__(window)
        self.world, self._keep_playing = world, keep_playing
        self.line = world.title.name
        self.walked: Verdict | None = there_and_back(world)
        self._dreamt = catalog.partner(world.title, window.kit.workshop.offered()) is not None
        folder = world.title.checkpoint
        self._by_places = folder is not None and "of a place" in facts_in(folder).get(LEARNED_FROM, "")

    @property
    def pace(self) -> int:
        return MOVING  # the dream goes on behind it

    def update(self, seconds: float) -> None:
        super().update(seconds)
        self._keep_playing(seconds)

    def blocks(self) -> Sequence[Block]:
        world = self.world
        if world.temperature is None:
            return (*GAME, DREAMT) if self._dreamt else GAME
        found: list[Block] = [DREAM, Picture(partial(draw_flow, world=world)), *_kind(world)]
        if world.title.system == "world-model" and self._by_places:
            found.insert(3, PLACES)
        if self.walked is not None:
            found.append(Picture(partial(draw_there_and_back, verdict=self.walked)))
        return [*found, *COMMON]


PAPER = (
    ("Temperature", "0.1", "0.5", "1.0", "1.15", "1.3"),
    ("Score in the dream", "2086", "2060", "1145", "918", "732"),
    ("Score in the real game", "193 ± 58", "196 ± 50", "868 ± 511", "1092 ± 556", "753 ± 139"),
)
"""TakeCover: Ha & Schmidhuber 2018 (arXiv 1803.10122), Table 2."""
TAKECOVER = (
    ("Temperature", "0.1", "0.5", "1.0", "1.15", "1.3"),
    ("Steps in the dream", "1947 ± 13", "1677 ± 21", "993 ± 22", "747 ± 18", "594 ± 15"),
    ("Steps in the real game", "771 ± 15", "762 ± 15", "768 ± 15", "765 ± 15", "584 ± 10"),
)
"""World Model (TakeCover); docs/results.md tells how it was measured."""
OURS = (
    ("Temperature", "0.1", "0.5", "1.0", "1.15", "1.3"),
    ("Score in the dream", "-0.13 ± 0.02", "0.72 ± 0.04", "2.15 ± 0.07", "1.86 ± 0.07", "1.55 ± 0.07"),
    ("Score in the real game", "-0.03 ± 0.04", "0.44 ± 0.05", "0.91 ± 0.06", "0.65 ± 0.06", "0.44 ± 0.05"),
)
"""World Model (places) in Pac-Man; docs/results.md tells how it was measured."""


class Story(Page):
    """The story of temperature."""

    caption = "Why temperature matters"
    line = "How an AI cheats"

    def blocks(self) -> Sequence[Block]:
        return (
            Words(
                "A dream does not know the future. At each step it has several futures in mind, some "
                "likelier than others. Temperature decides how it picks one. Cold dreams pick the "
                "likeliest. Warm dreams pick unlikely ones more often. At 1.0 each future comes up as often "
                "as the model thinks it should.",
                "What temperature does",
            ),
            Words(
                "In 2018, David Ha and Jürgen Schmidhuber trained an AI inside a dream of a game in which "
                "monsters shoot fireballs and you dodge them. In a cold dream the AI learned to cheat: it "
                "found moves after which the dream's monsters never shot at all. It scored 2086 in the "
                "dream. In the real game, where monsters do shoot, it scored 193, no better than pressing "
                "keys at random (210).",
                "The AI that cheated",
            ),
            Table(PAPER, "The paper's own figures (TakeCover, 100 games each; 750 counts as solved)."),
            Words(
                "A warmer dream is harder and full of surprises, so cheating does not pay. The AI that "
                "trained at 1.15 scored less in its dream, and five times as much in the real game.",
                "Why warmth helps",
            ),
            Words(
                "We repeated it with our World Model of the same game, with fewer rounds of training, once "
                "at each temperature. Cold dreams were easier to survive here, too. But our AI did not learn "
                "to cheat in them: all five survived at least twice as long as random keys in the real game.",
                "The same game in this app",
            ),
            Table(TAKECOVER, "Our own figures (TakeCover, 1,000 games each; random keys: 208 ± 3)."),
            Words(
                "We measured the same for World Model (places), which you can play here. An AI from a cold "
                "dream is worth nothing in the real Pac-Man. But nobody cheats in our cold dream: there is "
                "simply nothing in it, neither food nor ghosts. And dreams warmer than 1.0 did not help.",
                "And Pac-Man",
            ),
            Table(OURS, "Our own figures (World Model (places), Pac-Man, 500 games each)."),
        )
