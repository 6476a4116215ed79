"""The curves of a training, and the words on them."""

from itertools import pairwise

import numpy as np
import pygame
import pytest

from app.driver import Driver
from gamesim.app.library.catalog import spoken
from gamesim.app.library.charts import Chart, Charts, ends, number, plot_area, smoothed
from gamesim.app.library.runlog import Curve
from gamesim.app.theme import COLOURS, Scale


def test_a_chart_draws_its_curve_from_the_lower_left_to_the_upper_right(app: Driver):
    surface = pygame.Surface((400, 300))
    curve = Curve(list(range(1, 101)), [float(i) for i in range(1, 101)])
    Charts().draw(surface, surface.get_rect(), [Chart("x", curve, (0, 255, 0))], Scale(1.0))
    inside = plot_area((400, 260), Scale(1.0))
    green = pygame.surfarray.array3d(surface.subsurface(inside))[..., 1] > 200
    columns = [np.flatnonzero(column).mean() for column in green if column.any()]
    assert columns[0] > 0.8 * inside.height and columns[-1] < 0.1 * inside.height
    assert all(below >= above - 1 for below, above in pairwise(columns))


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0], [0.0, -1.0], [1e-9, 1e9], [5.0] * 200])
def test_any_curve_can_be_drawn(app: Driver, values: list[float]):
    surface = pygame.Surface((300, 200))
    curve = Curve(list(range(len(values))), values)
    Charts().draw(surface, surface.get_rect(), [Chart("x", curve, (0, 255, 0))] * 20, Scale(1.0), (150, 80))


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.1, 2.0, ("0.1", "2")),
        (0.207, 0.211, ("0.207", "0.211")),
        (-0.1462, -0.1452, ("-0.146", "-0.145")),
        (1000.25, 1000.5, ("1000.2", "1000.5")),
        (12310.0, 12340.0, ("12.31k", "12.34k")),
        (1.231e-5, 1.239e-5, ("1.23e-5", "1.24e-5")),
        (5.0, 5.0, ("5", "5")),
    ],
)
def test_the_two_ends_of_an_axis_are_told_apart(low: float, high: float, said: tuple[str, str]):
    assert ends(low, high) == said


def test_numbers_are_short_and_means_are_means():
    assert [number(x) for x in (0, 0.01234, 1.6234, 35.71, 1234.4, 12_345)] == [
        "0", "0.0123", "1.62", "35.7", "1234", "12.3k",
    ]  # fmt: skip
    assert smoothed(np.full(100, 3.0)) == pytest.approx(3.0)
    assert spoken("world-model-maze") == "World Model Maze"
    assert spoken("tilemap-pac-man") == spoken("tilemap-pacman") == "Tilemap Pac-Man"
    assert spoken("world-model-places") == "World Model (places)"
    assert spoken("gamegan-recall") == "GameGAN (recall)"
    assert spoken("world-model-takecover") == "World Model Take Cover"
    assert spoken("world-model-carracing") == "World Model Car Racing"


def test_the_value_below_the_mouse_stands_at_its_step_and_can_be_read():
    """Left of the curve the line was where no step is, and the words lay on the axis' own."""
    surface, rect, scale = pygame.Surface((300, 200)), pygame.Rect(0, 0, 300, 200), Scale(1.0)
    surface.fill(COLOURS["curve"])
    plot = plot_area(rect.size, scale)
    curve = Curve([10.0, 40.0], [4.0, 1.0])
    Charts()._draw_pointer(surface, rect, Chart("Loss", curve, COLOURS["curve"]), 0, scale)
    x = plot.left + round(0.25 * (plot.width - 1))
    assert surface.get_at((x, plot.centery))[:3] == COLOURS["quiet"]
    assert surface.get_at((x + 4, plot.top))[:3] == COLOURS["panel"], "behind the words"
