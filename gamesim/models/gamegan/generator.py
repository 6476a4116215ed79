"""GameGAN's generator: Kim et al. 2020 (arXiv 2005.12126), Sec. 3 and Fig. 2.

Dynamics engine, memory module and rendering engine as one learned engine. With `memory: false` it is
GameGAN-M (Sec. 4): no memory module, and the simple rendering engine. The paper's engine predicts neither
reward nor end. Here two heads do; they see the hidden state and the code of the new frame.

`imagine` plays one step at a time. `rollout` is for training: a first pass, without gradients, dreams the
frames that are shown. A second pass repeats the steps with gradients; in it everything but the recurrence (h,
c, attention, memory) runs over all frames of all lanes at once.
"""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from gamesim.config.gamegan import GameGANModelConfig
from gamesim.models import Prediction, State, Streams, normal
from gamesim.models.frames import to_float, to_uint8
from gamesim.models.gamegan.dynamics_engine import DynamicsEngine
from gamesim.models.gamegan.memory_module import MemoryModule, read
from gamesim.models.gamegan.recall import Recall
from gamesim.models.gamegan.rendering_engine import (
    Component,
    DisentanglingRenderer,
    Rendering,
    SimpleRenderer,
)
from gamesim.models.layers import initialise, mlp


@dataclass
class Rollout:
    """T generated steps of B lanes.

    Attributes:
        told: bool (B, T + 1), which of the frames on screen are real.
        shown: the frames on screen (B, T + 1, 3, S, S) in [0, 1], without gradients. The last one is no
            input: it is the real one in all lanes.
        z: the noise of each step (B, T, z_size).
        frames: what each step drew, (B, T, 3, S, S) in [0, 1].
        static: the memory's layer (B, T, 3, S, S), and masks: (B, T, K, S, S), each layer's share of a pixel.
        revisited: for each of R steps the static layer drawn anew from the last memory, (B, R, 3, S, S), by a
            renderer whose weights get no gradient; None without a memory module.
        known: what each frame was drawn from, h and the memory read, (B, T, any), without gradients.
        reward, end_logit: (B, T), told by h and by the frame shown next; rewards in units of
            ``reward_scale``.
        other, trust: of `Rendering`, (B, T, 3, S, S) and (B, T, h, h); None where nothing can be recalled.
    """

    told: Tensor
    shown: Tensor
    z: Tensor
    frames: Tensor
    static: Tensor
    masks: Tensor
    revisited: Tensor | None
    known: Tensor
    reward: Tensor
    end_logit: Tensor
    other: Tensor | None = None
    trust: Tensor | None = None


class Generator(nn.Module):
    """GameGAN's generator; implements `gamesim.models.WorldModel`.

    A state holds the "frame" on screen (B, 3, S, S) and its "code" (B, hidden), "h" and "c" (B, hidden), the
    "z" (B, z_size) of its step and, with a memory module, "memory" (B, N, N, D), "attention" (B, N, N),
    the "read" (B, D), and "held" (B, D), what was read there before the step wrote.
    """

    def __init__(self, config: GameGANModelConfig) -> None:
        super().__init__()
        self.num_actions = config.num_actions
        self.frame_shape = (config.frame_size, config.frame_size, 3)
        self.noise_shape: tuple[int, ...] = (config.z_size,)
        self.reward_scale = config.reward_scale
        self.dynamics = DynamicsEngine(config)
        if config.memory:
            self.memory = MemoryModule(config)
            vectors = [config.memory_width, config.hidden]
            self.renderer = DisentanglingRenderer(vectors, config.frame_size, config.channels)
            self.recall = Recall(config) if config.recall else None
        else:
            self.memory = self.recall = None
            self.renderer = SimpleRenderer(config.hidden, config.frame_size, config.channels)
        self.outcome = mlp([2 * config.hidden, config.hidden, 2])
        initialise(self)
        if self.memory is not None:
            self.memory.initialise()
        if self.recall is not None:
            self.recall.initialise()
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    # -- play ----------------------------------------------------------------------------------------

    def initial(self, frame: Tensor) -> State:
        """The state in which `frame` (B, 3, S, S) in [0, 1] is on screen and nothing else is known."""
        return self.show(self._blank(len(frame)), frame)

    def _blank(self, batch: int) -> State:
        """What is known before anything was seen: a state without "frame" and "code"."""
        h, c = self.dynamics.initial(batch)
        state = {"h": h, "c": c, "z": torch.zeros(batch, *self.noise_shape, device=h.device)}
        if self.memory is not None:
            memory, attention = self.memory.initial(batch)
            found = read(memory, attention)
            state |= {"memory": memory, "attention": attention, "read": found, "held": found}
        return state

    def advance(self, state: State, action: Tensor, z: Tensor) -> State:
        """The recurrence alone: the state after `action` int64 (B,), which has no "frame" and "code" yet."""
        h, c = self.dynamics(state["h"], state["c"], state["code"], action, z, state.get("read"))
        new = {**state, "h": h, "c": c, "z": z}
        if self.memory is not None:
            before = state["memory"], state["attention"]
            memory, attention, found, held = self.memory(*before, action, h, state["h"])
            new |= {"memory": memory, "attention": attention, "read": found, "held": held}
        return new

    def show(self, state: State, frame: Tensor) -> State:
        """The state with `frame` (B, 3, S, S) on screen."""
        return {**state, "frame": frame, "code": self.dynamics.encode(frame).float()}

    def start(self, frames: Tensor, actions: Tensor) -> State:
        state = self.initial(to_float(frames[:, 0]))
        for step in range(actions.shape[1]):
            state = self.observe(state, actions[:, step], frames[:, step + 1])
        return state

    def observe(self, state: State, action: Tensor, frame: Tensor) -> State:
        z = torch.zeros(len(action), *self.noise_shape, device=action.device)
        return self.show(self.advance(state, action, z), to_float(frame))

    def imagine(
        self, state: State, action: Tensor, *, temperature: float, generator: Streams
    ) -> tuple[State, Prediction]:
        z = temperature * normal((len(action), *self.noise_shape), generator, action.device)
        state = self.advance(state, action, z)
        state = self.show(state, self.render(state).frame)
        reward, end_logit = self._outcome(state["h"], state["code"])
        reward = self.reward_scale * reward
        return state, Prediction(to_uint8(state["frame"]), reward, end_logit.sigmoid())

    def render(self, state: State) -> Rendering:
        """Draws the static layer from a state's memory read, and the dynamic one from its hidden state.

        Args:
            state: its "h" and, with a memory module, its "read" and "held" are enough.
        """
        if self.memory is None:
            return self.renderer(state["h"])
        h, held = state["h"], state["held"]
        recalled = None if self.recall is None else (held, self.recall(h, held))
        return self.renderer(state["read"], h, recalled=recalled)

    def _outcome(self, h: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        """Reward in units of ``reward_scale``, and the logit of the end, of (B, hidden) each."""
        return self.outcome(torch.cat([h, code], -1)).float().unbind(dim=-1)

    # -- training ------------------------------------------------------------------------------------

    def rollout(
        self,
        frames: Tensor,
        actions: Tensor,
        z: Tensor,
        warm_up: Tensor,
        *,
        all_real: int = 1,
        revisited: Tensor | None = None,
    ) -> Rollout:
        """Generates the T frames after frames[:, 0].

        Dreamt frames are fed back detached: gradients run through h, c and the memory alone.

        Args:
            frames: the real ones (B, T + 1, 3, S, S) in [0, 1].
            actions: int64 (B, T).
            z: standard normal noise (B, T, z_size).
            warm_up: int64 (B,): how many real frames a lane is shown, 1 at least, before it sees its own.
                T + 1 and more: all of them.
            all_real: how many real frames every lane is shown at least; T or more saves the pass that
                dreams.
            revisited: int64 (R,), the steps whose places are looked up in the last memory; None: none.
        """
        steps = actions.shape[1]
        real = torch.arange(steps + 1, device=frames.device) < warm_up[:, None]
        shown = frames if all_real >= steps else self._dreamt(frames, actions, z, real, all_real)
        codes = self.dynamics.encode(shown.flatten(0, 1)).float().unflatten(0, real.shape)
        states = self._recurrence(codes, actions, z)
        names = [name for name in ("h", "read", "held") if name in states[0]]
        known = {name: torch.stack([state[name] for state in states], 1) for name in names}
        drawn = self.render({name: vectors.flatten(0, 1) for name, vectors in known.items()})
        reward, end_logit = self._outcome(known["h"], codes[:, 1:])
        shape = actions.shape
        return Rollout(
            told=real,
            shown=shown,
            z=z,
            frames=drawn.frame.unflatten(0, shape),
            other=None if drawn.other is None else drawn.other.unflatten(0, shape),
            trust=None if drawn.trust is None else drawn.trust[:, 0].unflatten(0, shape),
            static=drawn.layers[0].unflatten(0, shape),
            masks=drawn.masks.unflatten(0, shape),
            revisited=None if revisited is None else self._revisit(states, revisited),
            known=torch.cat([known[name] for name in names if name != "held"], -1).detach(),
            reward=reward,
            end_logit=end_logit,
        )

    @torch.no_grad()
    def _dreamt(self, frames: Tensor, actions: Tensor, z: Tensor, real: Tensor, all_real: int) -> Tensor:
        """The frames on screen, (B, T + 1, 3, S, S): real where `real` (B, T + 1) says so, else dreamt."""
        state, shown = self.initial(frames[:, 0]), frames.clone()
        for step in range(1, actions.shape[1]):
            state = self.advance(state, actions[:, step - 1], z[:, step - 1])
            if step >= all_real:
                dreamt = self.render(state).frame.to(frames.dtype)
                shown[:, step] = torch.where(real[:, step, None, None, None], frames[:, step], dreamt)
            state = self.show(state, shown[:, step])
        return shown

    def _recurrence(self, codes: Tensor, actions: Tensor, z: Tensor) -> list[State]:
        """The states after each of T steps, for the codes (B, T + 1, hidden) of the frames on screen."""
        state, states = self._blank(len(codes)), []
        for step in range(actions.shape[1]):
            state = self.advance({**state, "code": codes[:, step]}, actions[:, step], z[:, step])
            states.append(state)
        return states

    def _revisit(self, states: list[State], steps: Tensor) -> Tensor | None:
        """X^m-hat of the cycle loss (Sec. 3.4): what the last memory says of the places of some steps (R,).

        Gradients reach the memory module and the dynamics engine alone. (B, R, 3, S, S).
        """
        if self.memory is None:
            return None
        places = torch.stack([state["attention"] for state in states], 1)[:, steps]
        vectors = read(states[-1]["memory"], places)
        static = self.renderer.get_submodule("components.0")
        weights = {name: weight.detach() for name, weight in static.named_parameters()}
        layer, _ = functional_call(static, weights, (vectors.flatten(0, 1),))
        return layer.unflatten(0, places.shape[:2])

    # -- what else the app asks of an engine ---------------------------------------------------------

    def act(self, state: State) -> Tensor | None:
        return None

    def internals(self, state: State) -> dict[str, Tensor]:
        """What the step to this state drew and remembers.

        Pictures are uint8 (B, H, W, 3), maps of shares or amounts float (B, h, w), S = slots a side:

        - "static" and "dynamic", pictures: each layer by itself.
        - "mask" (B, H, W) in [0, 1]: how much of the frame the dynamic layer draws.
        - "static objects", "dynamic objects" (B, h, w) in [0, 1]: the object maps O.
        - "attention" (B, S, S): where the memory is read; it sums to 1.
        - "memory" (B, S, S): the mean size of what a slot holds, 0 where nothing was ever written.
        - "writes" (B, S, S): the mean size of what the step to this state added to each slot.
        - "recalled" (B, h, w) in [0, 1]: how much each place trusts what the slot held before; above a half
          the static layer is drawn from it. Only in engines that can recall.
        - "z" and "hidden": the noise of the step, and h.
        """
        shown = {"z": state["z"], "hidden": state["h"]}
        if self.memory is None:
            return shown
        rendering = self.render(state)
        static, dynamic = rendering.layers
        objects = [
            cast(Component, self.renderer.get_submodule(f"components.{k}")).rough(vector)[0][:, 0]
            for k, vector in enumerate((state["read"], state["h"]))
        ]
        _, add = self.memory.writes(state["h"])
        if rendering.trust is not None:
            shown["recalled"] = rendering.trust[:, 0]
        return shown | {
            "static": to_uint8(static),
            "dynamic": to_uint8(dynamic),
            "mask": rendering.masks[:, 1],
            "static objects": objects[0],
            "dynamic objects": objects[1],
            "attention": state["attention"],
            "memory": (state["memory"] - self.memory.noise).abs().mean(-1),
            "writes": state["attention"] * add.abs().mean(1)[:, None, None],
        }

    def with_memory(self, state: State, other: State) -> tuple[State, Tensor]:
        """`state` with the memory of `other`, and its frame uint8 (B, H, W, 3), drawn again.

        It is then on the board, and at the place on it, that the other state remembers (Sec. 4, swapped
        layers); moving things stay as they were.
        """
        if self.memory is not None:
            state = {**state, **{name: other[name] for name in ("memory", "attention", "read", "held")}}
            state = self.show(state, self.render(state).frame)
        return state, to_uint8(state["frame"])
