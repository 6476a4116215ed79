"""C: the paper's sizes, argmax of a linear map, and a population in one product."""

import pytest
import torch

from gamesim import models
from gamesim.config import load
from gamesim.models.world_models.controller import Controller


@pytest.mark.parametrize(
    ("preset", "game", "parameters"),
    [
        ("world-model-carracing", ["model.num_actions=225", "model.levels=[9,5,5]"], 867),
        ("world-model-doom", ["model.num_actions=3"], 1_088),
    ],
)
def test_the_papers_sizes(preset, game, parameters):
    controller = models.build(load(preset, game)).controller
    assert sum(parameter.numel() for parameter in controller.parameters()) == parameters
    assert controller.flat().shape == (parameters,)


def test_it_takes_the_action_with_the_greatest_output():
    controller = Controller(3, 4)
    weight, bias = torch.eye(4, 3), torch.tensor([0, 0, 0, 0.5])
    controller.from_flat(torch.cat([weight.flatten(), bias]))
    features = torch.tensor([[2.0, 1, 0], [0, 3, 1], [-1, 0, 1], [0.1, 0.2, 0.3]])
    assert controller(features).tolist() == [0, 1, 2, 3]


def test_one_number_is_cut_into_as_many_parts_as_there_are_actions():
    controller = Controller(1, 3, levels=(3,), bias=False)
    controller.from_flat(torch.tensor([1.0]))
    outputs = torch.tensor([-9.0, -1, -0.34, -0.33, 0, 0.33, 0.34, 1, 9])[:, None]
    assert controller(outputs).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_several_numbers_are_cut_each_by_itself():
    controller = Controller(3, 90, levels=(9, 5, 2))
    controller.from_flat(torch.cat([torch.eye(3).flatten(), torch.zeros(3)]))
    outputs = torch.tensor(
        [[-9.0, -1, -1], [-1, -1, 1], [-1, -0.5, -1], [-0.7, -1, -1], [0, 0, 0], [9, 9, 9]]
    )
    assert controller(outputs).tolist() == [0, 1, 2, 10, 4 * 10 + 2 * 2 + 1, 89]


ALIKE = [((), True), ((4,), False), ((2, 2), True)]
"""C's for four keys, for a number, and for two."""


@pytest.mark.parametrize(("levels", "bias"), ALIKE)
def test_its_weights_survive_being_a_row(levels, bias):
    controller = Controller(5, 4, levels, bias)
    row = torch.randn(len(controller.flat()))
    controller.from_flat(row)
    assert (controller.flat() == row).all()
    row.zero_()
    assert (controller.flat() != 0).all()


@pytest.mark.parametrize(("levels", "bias"), ALIKE)
def test_a_population_acts_as_each_of_its_candidates_alone(levels, bias):
    torch.manual_seed(0)
    alone = Controller(6, 4, levels, bias)
    candidates, features = torch.randn(7, len(alone.flat())), torch.randn(7 * 4, 6)
    together = alone.population(candidates.repeat_interleave(4, 0), features)
    assert together.dtype == torch.int64
    for candidate, lanes, actions in zip(candidates, features.split(4), together.split(4), strict=True):
        alone.from_flat(candidate)
        assert alone(lanes).tolist() == actions.tolist()
    assert len(together.unique()) > 1


def test_untrained_it_stays():
    assert Controller(6, 5)(torch.randn(3, 6)).tolist() == [0, 0, 0]
