"""The paper's generator: Kim et al. 2020 (arXiv 2005.12126), Sec. 3 and Fig. 2.

Dynamics engine, memory module and rendering engine as one `Engine`. With `memory: false` it is GameGAN-M
(Sec. 4): no memory module, and the simple rendering engine. The paper's engine predicts neither reward nor
end; two heads beside the hidden state do that here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from gamesim.models import State
from gamesim.models.frames import to_uint8
from gamesim.models.gamegan.dynamics_engine import DynamicsEngine
from gamesim.models.gamegan.engine import Output
from gamesim.models.gamegan.memory_module import MemoryModule, read
from gamesim.models.gamegan.rendering_engine import (
    Component,
    DisentanglingRenderer,
    Rendering,
    SimpleRenderer,
)
from gamesim.models.layers import initialise, mlp

if TYPE_CHECKING:
    from gamesim.schema import GameGANModelConfig


class PaperEngine(nn.Module):
    """GameGAN's generator; see `gamesim.models.gamegan.engine.Engine` for what each method promises.

    A state holds "frame" (B, 3, S, S), "h" and "c" (B, hidden), the "z" (B, z_size) of its step and, with a
    memory module, "memory" (B, N, N, D), "attention" (B, N, N) and "read" (B, D).
    """

    def __init__(self, config: GameGANModelConfig) -> None:
        super().__init__()
        self.noise_shape: tuple[int, ...] = (config.z_size,)
        self.feature_size = config.hidden
        self.dynamics = DynamicsEngine(
            num_actions=config.num_actions,
            z_size=config.z_size,
            memory_width=config.memory_width if config.memory else 0,
            hidden=config.hidden,
            frame_size=config.frame_size,
            channels=config.channels,
        )
        if config.memory:
            self.memory = MemoryModule(
                num_actions=config.num_actions,
                hidden=config.hidden,
                slots=config.memory_slots,
                width=config.memory_width,
            )
            vectors = [config.memory_width, config.hidden]
            self.renderer = DisentanglingRenderer(vectors, config.frame_size, config.channels)
        else:
            self.memory = None
            self.renderer = SimpleRenderer(config.hidden, config.frame_size, config.channels)
        self.outcome = mlp([config.hidden, config.hidden, 2])
        initialise(self)

    def initial(self, frame: Tensor) -> State:
        h, c = self.dynamics.initial(len(frame))
        z = torch.zeros(len(frame), *self.noise_shape, device=frame.device)
        state = {"frame": frame, "h": h, "c": c, "z": z}
        if self.memory is not None:
            memory, attention = self.memory.initial(len(frame))
            state |= {"memory": memory, "attention": attention, "read": read(memory, attention)}
        return state

    def advance(
        self,
        state: State,
        action: Tensor,
        z: Tensor,
    ) -> tuple[State, Output]:
        """One step."""
        h, c = self.dynamics(state["h"], state["c"], state["frame"], action, z, state.get("read"))
        new = {"h": h, "c": c, "z": z}
        if self.memory is not None:
            before = state["memory"], state["attention"]
            memory, attention, recalled = self.memory(*before, action, h, state["h"])
            new |= {"memory": memory, "attention": attention, "read": recalled}
        rendering = self.render(new)
        new["frame"] = rendering.frame
        reward, end_logit = self.outcome(h).float().unbind(dim=1)
        # Sec. 3.4: the area that the dynamic layer covers, else the engine could leave the memory unused.
        # The simple rendering engine has no such layer, and its penalty is the empty sum.
        covered = rendering.masks[:, 1:].sum(dim=(1, 2, 3, 4))
        return new, Output(rendering.frame, reward, end_logit, covered)

    def render(self, state: State) -> Rendering:
        """Draws a state's own memory read (the static layer) and hidden state (the dynamic layer)."""
        return self.renderer(state["h"]) if self.memory is None else self.renderer(state["read"], state["h"])

    def recall(self, now: State, then: State) -> Tensor:
        """The static layer of `then`, drawn from the memory of `now` (Sec. 3.4).

        This is X^m-hat of the cycle loss, and `recall(then, then)` is the X^m to compare it with: only the
        static layer, since what moves is not expected to stay. Gradients reach the memory module and the
        dynamics engine alone. Without a memory module both are the frame itself, and the loss is zero.
        """
        if self.memory is None:
            return then["frame"]
        static = self.renderer.get_submodule("components.0")
        weights = {name: weight.detach() for name, weight in static.named_parameters()}
        layer, _ = functional_call(static, weights, (read(now["memory"], then["attention"]).float(),))
        return layer

    def features(self, state: State) -> Tensor:
        return state["h"]

    def internals(self, state: State) -> dict[str, Tensor]:
        """What the step to this state drew and remembers; see `Engine.internals`."""
        shown = {"z": state["z"], "hidden": state["h"]}
        if self.memory is None:
            return shown
        rendering = self.render(state)
        static, dynamic = rendering.layers.unbind(dim=1)
        objects = [
            cast(Component, self.renderer.get_submodule(f"components.{k}")).rough(vector)[0][:, 0]
            for k, vector in enumerate((state["read"], state["h"]))
        ]
        _, add = self.memory.content(state["h"]).float().chunk(2, dim=1)
        return shown | {
            "static": to_uint8(static),
            "dynamic": to_uint8(dynamic),
            "mask": rendering.masks[:, 1, 0],
            "static objects": objects[0],
            "dynamic objects": objects[1],
            "attention": state["attention"],
            "memory": (state["memory"] - self.memory.noise).abs().mean(-1),
            "writes": state["attention"] * add.abs().mean(1)[:, None, None],
        }

    def with_memory(self, state: State, other: State) -> State:
        """This state on the board, and at the place on it, that another state remembers.

        What moves stays as it was; the frame is drawn again with the static layer of the other memory.
        """
        if self.memory is None:
            return state
        new = {**state, **{name: other[name] for name in ("memory", "attention", "read")}}
        return {**new, "frame": self.render(new).frame}
