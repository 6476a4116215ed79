"""C: the paper's sizes, argmax of a linear map, and a population in one product."""

import pytest
import torch

from gamesim import models
from gamesim.config import load
from gamesim.models.world_models.controller import Controller


@pytest.mark.parametrize(
    ("preset", "parameters"), [("world-model-carracing", 867), ("world-model-doom", 1_088)]
)
def test_the_papers_sizes(preset, parameters):
    controller = models.build(load(preset, ["model.num_actions=3"])).controller  # the paper's three numbers
    assert sum(parameter.numel() for parameter in controller.parameters()) == parameters
    assert controller.flat().shape == (parameters,)


def test_it_takes_the_action_with_the_greatest_output():
    controller = Controller(3, 4)
    weight, bias = torch.eye(4, 3), torch.tensor([0, 0, 0, 0.5])
    controller.from_flat(torch.cat([weight.flatten(), bias]))
    features = torch.tensor([[2.0, 1, 0], [0, 3, 1], [-1, 0, 1], [0.1, 0.2, 0.3]])
    assert controller(features).tolist() == [0, 1, 2, 3]


def test_one_number_is_cut_into_as_many_parts_as_there_are_actions():
    controller = Controller(1, 3, as_number=True)
    controller.from_flat(torch.tensor([1.0]))
    outputs = torch.tensor([-9.0, -1, -0.34, -0.33, 0, 0.33, 0.34, 1, 9])[:, None]
    assert controller(outputs).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("as_number", [False, True])
def test_its_weights_survive_being_a_row(as_number):
    controller = Controller(5, 4, as_number)
    row = torch.randn(len(controller.flat()))
    controller.from_flat(row)
    assert (controller.flat() == row).all()
    row.zero_()
    assert (controller.flat() != 0).all()


@pytest.mark.parametrize("as_number", [False, True])
def test_a_population_acts_as_each_of_its_candidates_alone(as_number):
    torch.manual_seed(0)
    alone = Controller(6, 5, as_number)
    candidates, features = torch.randn(7, len(alone.flat())), torch.randn(7 * 4, 6)
    together = alone.population(candidates.repeat_interleave(4, 0), features)
    assert together.dtype == torch.int64
    for candidate, lanes, actions in zip(candidates, features.split(4), together.split(4), strict=True):
        alone.from_flat(candidate)
        assert alone(lanes).tolist() == actions.tolist()
    assert len(together.unique()) > 1


def test_untrained_it_stays():
    assert Controller(6, 5)(torch.randn(3, 6)).tolist() == [0, 0, 0]
