"""GameGAN's dynamics engine: Kim et al. 2020 (arXiv 2005.12126), Sec. 3.1, Eq. 1-4.

An action-conditioned LSTM: action, noise and the last memory read are fused with the hidden state by a
product (Eq. 1), and the code of the frame on screen enters every gate beside it (Eq. 2 and 3).
"""

import torch
from torch import Tensor, nn

from gamesim.config.gamegan import GameGANModelConfig
from gamesim.models.layers import FrameEncoder, mlp


class DynamicsEngine(nn.Module):
    """One step of the world's state."""

    def __init__(self, config: GameGANModelConfig) -> None:
        super().__init__()
        hidden, read = config.hidden, config.memory_width if config.memory else 0
        # Where the paper is silent: the first hidden state is learned. Zero would make v_1 zero (Eq. 1), and
        # the engine deaf to the first key.
        self.start = nn.Parameter(torch.randn(hidden))
        self.embed = nn.Embedding(config.num_actions, hidden)
        self.fuse = mlp([hidden + config.z_size + read, hidden, hidden])  # H
        self.encode = FrameEncoder(config.frame_size, config.channels, hidden)  # C
        self.from_fused = nn.Linear(hidden, 4 * hidden, bias=False)  # W^iv, W^fv, W^ov, W^cv
        self.from_frame = nn.Linear(hidden, 4 * hidden)  # W^is, W^fs, W^os, W^cs

    def initial(self, batch: int) -> tuple[Tensor, Tensor]:
        """(h, c), each (batch, hidden), before anything happened."""
        h = self.start.tanh().expand(batch, -1)
        return h, torch.zeros_like(h)

    def forward(
        self, h: Tensor, c: Tensor, code: Tensor, action: Tensor, z: Tensor, read: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Eq. 1-4.

        Args:
            h, c: (B, hidden), of the last step.
            code: s_t = C(x_t) (B, hidden) of the frame on screen while the key is pressed.
            action: a_t int64 (B,).
            z: z_t (B, z_size).
            read: m_{t-1} (B, memory_width); None without a memory module.

        Returns:
            (h_t, c_t).
        """
        inputs = [self.embed(action), z] if read is None else [self.embed(action), z, read]
        fused = h * self.fuse(torch.cat(inputs, dim=1))
        gates = self.from_fused(fused) + self.from_frame(code)
        keep, write, show, content = gates.float().chunk(4, dim=1)
        c = keep.sigmoid() * c + write.sigmoid() * content.tanh()
        return show.sigmoid() * c.tanh(), c
