"""V, M and C as a `WorldModel`: what the dream, the app and the evaluator hold (arXiv 1803.10122, Sec. 2).

A state is what C sees and M remembers: z of the frame on screen, and h and c of the LSTM, which has read all
before it. A step hands (z, action) to M; the next z is V's of a real frame, or drawn from M's mixtures.
"""

import torch
from torch import Tensor, nn

from gamesim.config.world_models import WorldModelModelConfig
from gamesim.models import Prediction, State, Streams, normal
from gamesim.models.tilemap.places import PlaceMemory, PlaceVision
from gamesim.models.world_models.controller import Controller
from gamesim.models.world_models.memory import MDN, Memory
from gamesim.models.world_models.vision import Vision, see, show

PARTS = {"paper": (Vision, Memory), "places": (PlaceVision, PlaceMemory)}
"""V and M of each `model.engine`."""


class WorldModelEngine(nn.Module):
    """The three parts behind the contract of every learned engine.

    A state holds, float32 and batch first: "z" (B, Z), "h" and "c" (B, H); of the step that led to it
    "reward" (B,), "end" (B,), the end's probability, and "mixture" (B, K), how likely each Gaussian was,
    averaged over z; and "first" (B,), 1 where no step has been taken yet.
    """

    def __init__(self, config: WorldModelModelConfig) -> None:
        super().__init__()
        self.num_actions = config.num_actions
        self.frame_shape: tuple[int, int, int] = (config.frame_size, config.frame_size, 3)
        self.noise_shape = (2, config.numbers)
        """Of one lane's step; see `memory.sample`."""
        self.seen = ("z", "h", "c") if config.controller_input == "zhc" else ("z", "h")
        self.reward_scale = config.reward_scale if config.rewards else 1.0
        inputs = config.numbers + (len(self.seen) - 1) * config.hidden
        vision, memory = PARTS[config.engine]
        self.vision: Vision | PlaceVision = vision(config)
        self.memory: Memory = memory(config)
        self.controller = Controller(inputs, config.num_actions, config.axes, bias=config.actions != "number")

    def start(self, frames: Tensor, actions: Tensor) -> State:
        z = self._seen(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        state = self.begin(z[:, 0])
        for step in range(actions.shape[1]):
            state = self.follow(state, actions[:, step], z[:, step + 1])
        return state

    def begin(self, z: Tensor) -> State:
        """The state in which nothing but a frame's z (B, Z) is known."""
        lanes, none = len(z), z.new_zeros(len(z))
        memory = z.new_zeros(lanes, self.memory.hidden)
        mixture = z.new_full((lanes, self.memory.mixtures), 1 / self.memory.mixtures)
        told = {"reward": none, "end": none, "mixture": mixture, "first": none + 1}
        return {"z": z, "h": memory, "c": memory, **told}

    def observe(self, state: State, action: Tensor, frame: Tensor) -> State:
        return self.follow(state, action, self._seen(frame))

    def follow(self, state: State, action: Tensor, z: Tensor) -> State:
        """The state after `action` int64 (B,) led to a real frame's z (B, Z)."""
        return self._arrived(state, *self._foretold(state, action), z)

    def imagine(
        self, state: State, action: Tensor, *, temperature: float, generator: Streams
    ) -> tuple[State, Prediction]:
        noise = normal((len(action), *self.noise_shape), generator, action.device)
        mdn, cell = self._foretold(state, action)
        state = self._arrived(state, mdn, cell, self.memory.sample(mdn, temperature, noise))
        return state, Prediction(self._drawn(state["z"]), state["reward"], state["end"])

    def dream(
        self, state: State, action: Tensor, temperature: float, noise: Tensor
    ) -> tuple[State, Tensor, Tensor]:
        """One step of `imagine` without its picture and its mixture, which C does not need to learn.

        Args:
            state: of B lanes.
            action: int64 (B,).
            temperature: from 0.
            noise: standard normal (B, *noise_shape).

        Returns:
            The state, the reward (B,) and the end's probability (B,).
        """
        mdn, cell = self._foretold(state, action)
        z = self.memory.sample(mdn, temperature, noise)
        state = state | self._told(state, mdn, cell, z)
        return state, state["reward"], state["end"]

    def features(self, state: State) -> Tensor:
        return torch.cat([state[name] for name in self.seen], 1)

    def act(self, state: State) -> Tensor:
        return self.controller(self.features(state))

    def internals(self, state: State) -> dict[str, Tensor]:
        """z, h, the mixture's weights and what V makes of z: uint8 (B, H, W, 3) "reconstruction"."""
        shown = {name: state[name] for name in ("z", "h", "mixture")}
        return {**shown, "reconstruction": self._drawn(state["z"])}

    def with_z(self, state: State, z: Tensor) -> tuple[State, Tensor]:
        """`state` with another z (B, Z), and what V makes of it, uint8 (B, H, W, 3)."""
        return {**state, "z": z}, self._drawn(z)

    def _seen(self, frames: Tensor) -> Tensor:
        mean, _ = self.vision.encode(see(frames, self.vision.side))
        return mean

    def _drawn(self, z: Tensor) -> Tensor:
        return show(self.vision.decode(z), self.frame_shape[0])

    def _foretold(self, state: State, action: Tensor) -> tuple[MDN, tuple[Tensor, Tensor]]:
        """What M predicts for the next z, with (B,) leading, and what it remembers from here on."""
        return self.memory.step(state["z"], action, (state["h"], state["c"]), state["first"])

    def _arrived(self, state: State, mdn: MDN, cell: tuple[Tensor, Tensor], z: Tensor) -> State:
        """The state after the step that led to `z`."""
        return {**self._told(state, mdn, cell, z), "mixture": mdn.log_pi.exp().mean(1)}

    def _told(self, state: State, mdn: MDN, cell: tuple[Tensor, Tensor], z: Tensor) -> State:
        """The same without its mixture."""
        reward, end_logit = self.memory.outcome(mdn.hidden, z)
        return {
            **dict(zip(("h", "c"), cell, strict=True)),
            "z": z,
            "reward": self.reward_scale * reward,
            "end": end_logit.sigmoid(),
            "first": torch.zeros_like(state["first"]),
        }
