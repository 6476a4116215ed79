"""The laws of graph convolutions on boards: how far they look, how they blur, and what they are equal to."""

from collections import deque

import numpy as np
import pytest
import torch

from gamesim.agents import gcn
from gamesim.agents.gcn import GCN, GraphConvolution, edges, features, propagation, walkable
from gamesim.agents.policy import known_policy
from gamesim.agents.record import record
from gamesim.agents.rollout import mean_and_error, play
from gamesim.envs.layouts import FLAG, FLOOR, FOOD, GHOST, WALL
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError
from gamesim.labs import Given
from gamesim.labs.gcn import GCNLab, Learner, boards, spread, steps_from, truth
from gamesim.labs.panels import Bars, Curves, Picture

CELLS, _ = boards(np.random.default_rng(3), 2)


def searched(cells, start):
    """Breadth-first search as it stands in books: {(y, x): steps}."""
    found, queue = {start: 0}, deque([start])
    while queue:
        y, x = queue.popleft()
        for there in ((y, x - 1), (y, x + 1), (y - 1, x), (y + 1, x)):
            inside = 0 <= there[0] < len(cells) and 0 <= there[1] < len(cells)
            if inside and there not in found and walkable(cells)[there]:
                found[there] = found[y, x] + 1
                queue.append(there)
    return found


def numbered(cells):
    """{(y, x): number of the node} of a single board."""
    return {tuple(place): number for number, place in enumerate(np.argwhere(walkable(cells)).tolist())}


def network(layers, residual=True, seed=0):
    torch.manual_seed(seed)
    return GCN(layers, residual).eval()


def test_propagation_is_the_papers_matrix():
    pairs = np.array([[0, 1, 1, 2], [1, 0, 2, 1]])  # a path of three
    with_itself = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    root = np.diag(with_itself.sum(1) ** -0.5)
    assert np.allclose(propagation(pairs, 3).to_dense(), root @ with_itself @ root)


def test_an_edge_joins_two_cells_that_touch_and_boards_do_not_touch():
    cells = np.array([[[FLOOR, FOOD], [WALL, FLAG]], [[FLOOR, WALL], [FLOOR, WALL]]], np.uint8)
    assert {tuple(sorted(pair)) for pair in edges(cells).T.tolist()} == {(0, 1), (1, 2), (3, 4)}
    assert edges(cells).shape == (2, 6)
    assert features(cells).tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0] * 4, [0] * 4]


@pytest.mark.extra("torch_geometric")
def test_a_layer_equals_torch_geometrics():
    from torch_geometric.nn import GCNConv

    theirs = GCNConv(4, 32)
    ours, nodes = GraphConvolution(4, 32), features(CELLS)
    with torch.no_grad():
        ours.weight.copy_(theirs.lin.weight.T)
        ours.bias.copy_(theirs.bias.normal_())
    pairs = edges(CELLS)
    assert torch.allclose(
        ours(propagation(pairs, len(nodes)), nodes), theirs(nodes, torch.from_numpy(pairs)), atol=1e-6
    )


@pytest.mark.parametrize(("layers", "residual"), [(1, False), (2, True), (5, False)])
def test_k_layers_know_what_is_k_steps_away_and_nothing_beyond(layers, residual):
    cells = CELLS[0]
    number, model = numbered(cells), network(layers, residual)
    matrix, nodes = propagation(edges(cells[None]), len(number)), features(cells[None])
    start = max(list(number)[::25], key=lambda place: max(searched(cells, place).values()))  # far from some
    changed = nodes.clone()
    changed[number[start]] += 1
    with torch.no_grad():
        before, after = model(matrix, nodes), model(matrix, changed)
    for place, steps in searched(cells, start).items():
        same = torch.equal(before[number[place]], after[number[place]])
        if steps > layers:
            assert same
        elif steps == layers:
            assert not same


@pytest.mark.slow
def test_twenty_layers_blur_all_cells_to_one_colour_unless_each_adds_to_what_it_was_given():
    cells = CELLS[:1]
    matrix, nodes = propagation(edges(cells), int(walkable(cells).sum())), features(cells)
    unlike, colours = {}, {}
    for residual in (False, True):
        learner = Learner(20, residual, "flag", seed=0)
        for _ in range(60):
            learner.step()
        with torch.no_grad():
            unlike[residual] = [spread(each) for each in learner.network.hidden(matrix, nodes)]
        steps = gcn.distances(learner.network, cells)
        colours[residual] = steps[np.isfinite(steps)].std()
    assert unlike[False][-1] < 0.25 * unlike[False][0] and unlike[False][-1] < 0.2
    assert unlike[True][-1] > 0.5
    assert colours[False] < 0.5 and colours[True] > 1


def test_true_distances_are_those_of_breadth_first_search():
    cells = CELLS[1]
    start = next(iter(numbered(cells)))
    source = np.zeros((1, 14, 14), bool)
    source[(0, *start)] = True
    found = steps_from(source, walkable(cells)[None])[0]
    assert {tuple(place): found[tuple(place)] for place in np.argwhere(np.isfinite(found))} == searched(
        cells, start
    )


def test_the_way_to_the_target_leads_round_ghosts():
    row = np.full((1, 1, 5), FLOOR, np.uint8)
    row[0, 0, [0, 2, 4]] = FLAG, GHOST, FOOD
    assert truth(row, "flag").tolist() == [[[0, 1, np.inf, np.inf, np.inf]]]
    assert truth(row, "food").tolist() == [[[0, 1, np.inf, 1, 0]]]


@pytest.mark.slow
def test_it_learns_in_seconds():
    learner = Learner(4, True, "food", seed=0)
    for _ in range(80):
        learner.step()
    assert np.mean(learner.losses[-10:]) < 0.6 * learner.losses[0] and learner.right > 0.4


def test_the_page_shows_how_far_a_cell_can_look():
    lab = GCNLab(Given(seed=2))
    shares = []
    for layers in (1, 3, 20):
        lab.set("layers", layers)
        lab.step()
        panels = {panel.title: panel for panel in lab.view()}
        known = panels["What the chosen cell can see"]
        assert isinstance(known, Picture)
        shares.append(int(known.note.split()[0]))
        bars = panels["How different the cells are, layer by layer"]
        assert isinstance(bars, Bars) and len(bars.names) == layers
    assert 2 <= shares[0] <= 5 < shares[1] < shares[2]


def test_another_cell_is_chosen_by_a_click_and_walls_are_none():
    lab = GCNLab(Given(seed=2))

    def lit():
        return next(panel for panel in lab.view() if panel.title == "What the chosen cell can see").pixels

    walls, cells = np.argwhere(~walkable(lab.cells[0])), np.argwhere(walkable(lab.cells[0]))
    before = lit()
    lab.point("", (walls[0][1] + 0.5) / 14, (walls[0][0] + 0.5) / 14)
    assert (lit() == before).all()
    lab.point("", (cells[0][1] + 0.5) / 14, (cells[0][0] + 0.5) / 14)
    assert (lit() != before).any()


def test_every_depth_takes_its_turn(monkeypatch):
    monkeypatch.setattr("gamesim.labs.gcn.TURN", 5)
    lab = GCNLab(Given())
    lab.set("layers", 1)
    lab.set("sweep", True)
    for _ in range(5 + 1):
        lab.step()
    curve = next(panel for panel in lab.view() if panel.title == "Exactly right, by depth")
    assert isinstance(curve, Curves)
    assert [depth for depth, _ in curve.lines["with residuals"]] == [1, 2]
    assert next(control.value for control in lab.controls if control.name == "layers") == 2


@pytest.mark.slow
def test_who_follows_it_earns_far_more_than_the_bot(tmp_path):
    recipe = Recipe("gamesim/Pacman-v0")
    assert known_policy("gcn", recipe) is gcn.player
    returns = [
        [game.rewards.sum() for game in play(recipe, who, 64, seed=5, keep_frames=False)]
        for who in ("gcn", "explorer")
    ]
    (ours, error), (bot, deviation) = map(mean_and_error, returns)
    assert ours - bot > 5 * (error**2 + deviation**2) ** 0.5
    (entry, *_) = record(recipe, "gcn", 2, tmp_path, progress=False)
    assert entry.players == ("gcn",)


def test_it_knows_the_garden_by_its_cells(tmp_path):
    assert record("gamesim/PacmanGarden-v0", "gcn", 1, tmp_path, progress=False)


def test_weights_that_are_none_are_one_line(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"nothing")
    for name in ("x.safetensors", "y.safetensors"):
        with pytest.raises(UserError, match="not the weights of a GCN"):
            gcn.load(tmp_path / name)
