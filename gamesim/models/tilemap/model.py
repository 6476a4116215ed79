"""Tilemap as a `WorldModel`: what the dream, the app and the evaluator hold."""

import torch
from torch import Tensor, nn

from gamesim.config.tilemap import TilemapModelConfig
from gamesim.models import Prediction, State, Streams, normal
from gamesim.models.frames import to_float, to_uint8
from gamesim.models.tilemap.engine import TilemapEngine


class Tilemap(nn.Module):
    """The networks of engine.py behind the contract of every learned engine."""

    def __init__(self, config: TilemapModelConfig) -> None:
        super().__init__()
        self.num_actions = config.num_actions
        self.frame_shape = (config.frame_size, config.frame_size, 3)
        self.engine = TilemapEngine(config)
        self.noise_shape, self.reward_scale = self.engine.noise_shape, config.reward_scale

    def start(self, frames: Tensor, actions: Tensor) -> State:
        state = self.engine.initial(to_float(frames[:, 0]))
        for step in range(actions.shape[1]):
            state = self.observe(state, actions[:, step], frames[:, step + 1])
        return state

    def observe(self, state: State, action: Tensor, frame: Tensor) -> State:
        z = torch.zeros(len(action), *self.noise_shape, device=action.device)
        state, _ = self.engine.advance(state, action, z, to_float(frame))
        return state

    def imagine(
        self, state: State, action: Tensor, *, temperature: float, generator: Streams
    ) -> tuple[State, Prediction]:
        z = temperature * normal((len(action), *self.noise_shape), generator, action.device)
        state, output = self.engine.advance(state, action, z)
        end_probability = output.end_logit.float().sigmoid()
        reward = self.reward_scale * output.reward.float()
        return state, Prediction(to_uint8(output.frame), reward, end_probability)

    def act(self, state: State) -> Tensor | None:
        return None

    def internals(self, state: State) -> dict[str, Tensor]:
        return self.engine.internals(state)

    def with_memory(self, state: State, other: State) -> tuple[State, Tensor]:
        """`state` with the memory of `other`, and its frame uint8 (B, H, W, 3), drawn again."""
        state = self.engine.with_memory(state, other)
        return state, to_uint8(state["frame"])
