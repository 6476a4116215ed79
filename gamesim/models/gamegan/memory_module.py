"""GameGAN's memory module: Kim et al. 2020 (arXiv 2005.12126), Sec. 3.2, Eq. 5-9.

N x N slots of D numbers. Attention starts at the centre and is moved by a 3x3 kernel that the action chooses,
as far as a gate lets it (a wall holds it back). Writing and reading are the Neural Turing Machine's
(Graves et al. 2014, arXiv 1410.5401, Sec. 3.1 and 3.2). Opposite actions share one kernel, rotated by 180
degrees (Sec. 3.4). Otherwise the engine could avoid ever coming back to a place, and the cycle loss would be
trivially zero.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.config.gamegan import GameGANModelConfig
from gamesim.models.layers import activation, mlp

STAYS = 3.0
"""Logit of the kernel's middle, relative to its rim, at the start of training."""
ERASES = 3.0
"""Logit of erasing at the start of training."""


class ShiftKernel(nn.Module):
    """Eq. 5: w = softmax(K(a)), (B, 3, 3). w[1 + dy, 1 + dx] is the share that moves by (dx, dy).

    Args:
        num_actions: how many keys there are.
        width: of the action's embedding.
        opposites: pairs of actions that undo each other, such as (left, right).
    """

    def __init__(self, num_actions: int, width: int, opposites: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        shared = torch.arange(num_actions)
        turned = torch.zeros(num_actions, dtype=torch.bool)
        for action, opposite in opposites:
            shared[opposite], turned[opposite] = action, True
        self.shared: Tensor
        self.turned: Tensor
        self.register_buffer("shared", shared, persistent=False)
        self.register_buffer("turned", turned, persistent=False)
        self.score = nn.Sequential(nn.Embedding(num_actions, width), activation(), nn.Linear(width, 9))

    def forward(self, action: Tensor) -> Tensor:
        kernel = self.score(self.shared[action]).float().softmax(dim=1).view(-1, 3, 3)
        return torch.where(self.turned[action].view(-1, 1, 1), kernel.flip((1, 2)), kernel)


def shift(attention: Tensor, kernel: Tensor) -> Tensor:
    """Moves attention (B, N, N) by a kernel (B, 3, 3) each, as in Eq. 7.

    The paper is silent about the border. Here it wraps around, so that no attention is ever lost.
    """
    around = F.pad(attention.unsqueeze(1), (1, 1, 1, 1), mode="circular")[:, 0]
    side = attention.shape[-1]
    neighbours = around.unfold(1, side, 1).unfold(2, side, 1)  # (B, 3, 3, N, N): what each slot may receive
    # A product and a sum rather than a convolution: it stays in float32 under autocast.
    return (neighbours * kernel.flip((1, 2))[..., None, None]).sum((1, 2))


def write(memory: Tensor, attention: Tensor, erase: Tensor, add: Tensor) -> Tensor:
    """Eq. 8: M * (1 - alpha e) + alpha a, as M + alpha (a - e M).

    Args:
        memory: (B, N, N, D).
        attention: (B, N, N), each lane summing to 1.
        erase: (B, D) in [0, 1].
        add: (B, D).
    """
    change = add[:, None, None] - erase[:, None, None] * memory
    return torch.addcmul(memory, attention[..., None], change)


def read(memory: Tensor, attention: Tensor) -> Tensor:
    """Eq. 9: the attention-weighted sum of slots, float32 (B, ..., D).

    Args:
        memory: (B, N, N, D).
        attention: (B, ..., N, N): one or several places to read from in each lane.
    """
    places = attention.flatten(-2)
    with torch.autocast(memory.device.type, enabled=False):
        found = places.view(len(memory), -1, places.shape[-1]) @ memory.flatten(1, 2)
    return found.view(*places.shape[:-1], memory.shape[-1])


class MemoryModule(nn.Module):
    """Attention, gate, write and read: N is `memory_slots`, D `memory_width`."""

    def __init__(self, config: GameGANModelConfig) -> None:
        super().__init__()
        hidden, slots, width = config.hidden, config.memory_slots, config.memory_width
        self.slots = slots
        self.kernel = ShiftKernel(config.num_actions, hidden, config.opposites)  # K
        self.gate = mlp([2 * hidden, hidden, 1])  # G
        self.content = mlp([hidden, hidden, 2 * width])  # E
        # The paper fills M with noise from N(0, I). Here it is one draw that the checkpoint keeps, so that a
        # dream is repeatable, with this version of torch and with the next.
        noise = torch.randn(slots, slots, width, generator=torch.Generator().manual_seed(0))
        self.noise: Tensor
        self.register_buffer("noise", noise)

    @torch.no_grad()
    def initialise(self) -> None:
        """Where the paper is silent: attention first stays, and writing replaces what was there.

        Otherwise a read is a blur of many slots' noise for hundreds of steps, and the dynamic layer, which
        needs no memory, draws everything before the static one can draw anything.
        """
        self.kernel.score.get_parameter("2.bias")[4] = STAYS
        bias = self.content.get_parameter("2.bias")
        bias[: len(bias) // 2] = ERASES

    def initial(self, batch: int) -> tuple[Tensor, Tensor]:
        """(memory (batch, N, N, D), attention (batch, N, N)) before anything happened."""
        memory = self.noise.expand(batch, -1, -1, -1)
        attention = torch.zeros(batch, self.slots, self.slots, device=memory.device)
        attention[:, self.slots // 2, self.slots // 2] = 1
        return memory, attention

    def writes(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """e_t and a_t of Eq. 8, (B, D) each, of h_t (B, hidden)."""
        erase, add = self.content(h).float().chunk(2, dim=1)
        return erase.sigmoid(), add

    def forward(
        self, memory: Tensor, attention: Tensor, action: Tensor, h: Tensor, before: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Eq. 5-9.

        Args:
            memory: (B, N, N, D) and attention: (B, N, N), of the last step.
            action: a_t int64 (B,).
            h: h_t (B, hidden).
            before: h_{t-1} (B, hidden). Eq. 6 has h_t alone, but only the change shows that a wall
                stopped the step.

        Returns:
            (memory, attention, read (B, D)) of this step, and what attention found before it wrote (B, D).
        """
        gate = self.gate(torch.cat([h, h - before], dim=1)).float().sigmoid().unsqueeze(2)  # Eq. 6
        attention = gate * shift(attention, self.kernel(action)) + (1 - gate) * attention  # Eq. 7
        held = read(memory, attention)
        memory = write(memory, attention, *self.writes(h))
        return memory, attention, read(memory, attention), held
