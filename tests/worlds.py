"""Learned engines whose worth is known: what the evaluator and the dream are tested with."""

import gymnasium as gym
import numpy as np
import torch

import gamesim  # noqa: F401
from gamesim.envs import sprites
from gamesim.envs.layouts import FLAG, FLOOR, FOOD, GHOST, OUTSIDE, PACMAN, WALL
from gamesim.evaluation.pacman.cells import FIRST_SEED
from gamesim.models import Prediction, normal

DELTAS = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
SIZE = 128  # of the ideal engine's board: enough for 60 steps from its middle


class Engine:
    """What every engine below shares."""

    num_actions = 5
    frame_shape = (84, 84, 3)

    def act(self, state):
        return None

    def internals(self, state):
        return {"frame": state["frame"]}


class RealGame(Engine):
    """The real game behind the interface of a learned engine: it knows the board by its first frame."""

    def __init__(self, env_id, boards=400, seed=0):
        env = gym.make_vec(env_id, num_envs=boards, vectorization_mode="vector_entry_point", max_steps=None)
        first = FIRST_SEED + seed * 1_000_000
        frames, _ = env.reset(seed=first)
        self.seed_of = {frame.tobytes(): first + lane for lane, frame in enumerate(frames)}
        self.env_id = env_id

    def start(self, frames, actions):
        self.games = []
        for lane, walk in zip(frames, actions, strict=True):
            game = gym.make(self.env_id, max_steps=None).unwrapped
            game.reset(seed=self.seed_of[lane[0].numpy().tobytes()])
            for action in walk:
                game.step(int(action))
            self.games.append([game, False])
        return {"frame": frames[:, -1]}

    def imagine(self, state, action, *, temperature, generator):
        frames, rewards, ends = [], [], []
        for entry, frame, pressed in zip(self.games, state["frame"].numpy(), action.tolist(), strict=True):
            reward, game, over = 0.0, *entry
            if not over:
                frame, reward, entry[1], _, _ = game.step(pressed)
            frames.append(frame), rewards.append(reward), ends.append(float(entry[1]))
        frame = torch.from_numpy(np.stack(frames))
        return {"frame": frame}, Prediction(frame, torch.tensor(rewards).float(), torch.tensor(ends).float())


class Frozen(Engine):
    """Shows the last real frame for ever."""

    def start(self, frames, actions):
        return {"frame": frames[:, -1].clone()}

    def imagine(self, state, action, *, temperature, generator):
        nothing = torch.zeros(len(action))
        return dict(state), Prediction(state["frame"].clone(), nothing, nothing.clone())


class Noise(Frozen):
    """Shows pixels at random."""

    def imagine(self, state, action, *, temperature, generator):
        frames = torch.randint(0, 256, state["frame"].shape, dtype=torch.uint8, generator=generator)
        return dict(state), Prediction(frames, torch.zeros(len(action)), torch.zeros(len(action)))


class Ideal(Engine):
    """Keeps a board of its own, from what it sees, and plays by the rules on it; its state is tensors.

    What has not been seen is drawn at random when the dream begins. Each fault is a probability: 0 is ideal.

    Args:
        through_walls: that a blocked move goes through.
        forget: that a cell changes between wall and floor with a step.
        sticky_food: that eaten food is still there.
        moving_food: that food in view is gone with a step, uneaten.
        ghosts: whether ghosts exist.
        end_after: steps after which the end is predicted, 0 for never.
        fresh: whether what has not been seen follows from the dream's chance, not from what was seen.
    """

    def __init__(
        self,
        through_walls=0.0,
        forget=0.0,
        sticky_food=0.0,
        moving_food=0.0,
        ghosts=True,
        end_after=0,
        fresh=False,
    ):
        self.through_walls, self.forget = through_walls, forget
        self.sticky_food, self.moving_food = sticky_food, moving_food
        self.ghosts, self.end_after, self.fresh = ghosts, end_after, fresh

    def draw(self, seed):
        classes, shares = [FLOOR, WALL, FOOD, FLAG], [0.55, 0.3, 0.14, 0.01]
        return np.random.default_rng(seed).choice(classes, (SIZE, SIZE), p=shares).astype(np.uint8)

    def start(self, frames, actions):
        lanes = len(frames)
        cells, _ = sprites.decode(frames.numpy())
        # What nobody saw follows from the first frame, so that the same start is the same board.
        board = np.stack([self.draw(int(lane[0].sum())) for lane in frames.numpy()])
        seen = np.zeros(board.shape, bool)
        x = y = np.full(lanes, SIZE // 2)
        facing = np.full(lanes, 2)
        for time in range(frames.shape[1]):
            if time:
                action = actions[:, time - 1].numpy()
                x, y, facing = self.walk(board, x, y, facing, action, np.zeros(lanes))
            for lane in range(lanes):
                view = cells[lane, time].copy()
                window = board[lane, y[lane] - 3 : y[lane] + 4, x[lane] - 3 : x[lane] + 4]
                under = np.where(window == FOOD, FOOD, FLOOR)
                under[3, 3] = FLOOR
                window[:] = np.where((view == PACMAN) | (view == GHOST), under, view)
                seen[lane, y[lane] - 3 : y[lane] + 4, x[lane] - 3 : x[lane] + 4] = True
        position = np.stack([x, y, facing, np.zeros(lanes, np.int64)], 1)
        return {
            "board": torch.from_numpy(board),
            "seen": torch.from_numpy(seen),
            "position": torch.from_numpy(position),
            "frame": frames[:, -1].clone(),
        }

    def walk(self, board, x, y, facing, action, chance):
        dx, dy = np.array(DELTAS)[action].T
        target = board[np.arange(len(x)), y + dy, x + dx]
        go = ~np.isin(target, (WALL, OUTSIDE)) | (chance < self.through_walls)
        return np.where(go, x + dx, x), np.where(go, y + dy, y), np.where(action > 0, action, facing)

    def imagine(self, state, action, *, temperature, generator):
        lanes = len(action)
        streams = generator if isinstance(generator, list) else [generator] * lanes
        chance = np.stack([torch.rand(4 + 3 * 49, generator=stream).numpy() for stream in streams])
        board, position = state["board"].numpy().copy(), state["position"].numpy()
        x, y, facing, steps = position.T
        if self.fresh and steps[0] == 0:
            drawn = np.stack([self.draw(int(lane[1] * 1e9)) for lane in chance])
            board = np.where(state["seen"].numpy(), board, drawn)
        old_x, old_y = x, y
        x, y, facing = self.walk(board, x, y, facing, action.numpy(), chance[:, 0])
        reward = np.zeros(lanes, np.float32)
        ends = np.full(lanes, self.end_after and steps[0] + 1 >= self.end_after, np.float32)
        views = []
        for lane in range(lanes):
            window = board[lane, y[lane] - 3 : y[lane] + 4, x[lane] - 3 : x[lane] + 4]
            moved = (x[lane], y[lane]) != (old_x[lane], old_y[lane])
            reward[lane] = 0.5 * float(moved and window[3, 3] == FOOD)
            ends[lane] = max(ends[lane], float(moved and window[3, 3] == FLAG))
            if window[3, 3] == FOOD and chance[lane, 1] >= self.sticky_food:
                window[3, 3] = FLOOR
            one, two, three = chance[lane, 4:].reshape(3, 7, 7)
            window[(window == FOOD) & (two < self.moving_food)] = FLOOR
            swap = (one < self.forget) & np.isin(window, (FLOOR, FOOD, WALL))
            window[swap] = np.where(window[swap] == WALL, FLOOR, WALL)
            view = window.copy()
            if self.ghosts:
                view[(three < 0.02 * temperature) & (view == FLOOR)] = GHOST
            view[3, 3] = sprites.FACING + facing[lane]
            views.append(view)
        frame = torch.from_numpy(sprites.painter(12).draw(np.stack(views)))
        state = {
            "board": torch.from_numpy(board),
            "seen": state["seen"],
            "position": torch.from_numpy(np.stack([x, y, facing, steps + 1], 1)),
            "frame": frame,
        }
        return state, Prediction(frame.clone(), torch.from_numpy(reward), torch.from_numpy(ends))


class Network(torch.nn.Module, Engine):
    """A small recurrent network with chance and weights: what a trained engine looks like from outside."""

    def __init__(self, config=None):
        super().__init__()
        self.cell = torch.nn.GRUCell(5 + 4, 16)
        self.draw = torch.nn.Linear(16, 7 * 7 * 3)
        self.head = torch.nn.Linear(16, 2)

    def start(self, frames, actions):
        small = torch.nn.functional.adaptive_avg_pool2d(frames[:, -1].movedim(-1, 1).float() / 255, 1)
        return {"frame": frames[:, -1].clone(), "hidden": small.flatten(1).repeat(1, 6)[:, :16]}

    def imagine(self, state, action, *, temperature, generator):
        z = temperature * normal((len(action), 4), generator, action.device)
        key = torch.nn.functional.one_hot(action, 5).float()
        hidden = self.cell(torch.cat([key, z], 1), state["hidden"])
        cells = (self.draw(hidden).sigmoid() * 255).to(torch.uint8).reshape(-1, 7, 7, 3)
        frame = cells.repeat_interleave(12, 1).repeat_interleave(12, 2)
        reward, end = self.head(hidden).unbind(1)
        return {"frame": frame, "hidden": hidden}, Prediction(frame.clone(), reward, (end - 2).sigmoid())
