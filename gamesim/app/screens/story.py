"""Why temperature matters: the AI that cheats in a cold dream, with the paper's figures and our own."""

from collections.abc import Sequence

from gamesim.app.ui.pages import Block, Page, Table, Words

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
