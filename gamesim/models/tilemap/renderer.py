"""Tilemap's rendering engine: a static and a dynamic layer of tiles, drawn in turns.

Like GameGAN's (Kim et al. 2020, Sec. 3.3, Eq. 10-14) it has K = 2 components, the static one from memory and
the dynamic one from h, composed by fine masks (softmax over components). Ours says for each cell which tile
either layer would draw (`palette.py`), and the mask is the share of each in that mixture. "Show the static
layer" is one more choice beside the dynamic layer's tiles, under the same softmax: where the dynamic layer is
sure of a ghost, the mask is sure, too.

A ghost may go to one of three cells. If these cells are drawn independently of each other, they may show
none, or two. So a frame is drawn in five *turns*, and each turn sees what the earlier ones have drawn. The
turn of cell (x, y) is (x + 2y) mod 5, so a cell and its four neighbours all have different turns. In training
the real frame is shown up to a random turn of a random order, and the hidden cells must be predicted: an
order-agnostic autoregressive model (Uria et al. 2014, arXiv 1310.1757; Hoogeboom et al. 2022, arXiv
2110.02037).

z ~ N(0, I) is a number for every tile in every cell. It becomes Gumbel noise, and the tile with the largest
sum of log probability and noise is drawn. This samples from exactly those probabilities (Gumbel-max trick:
Maddison et al. 2014, arXiv 1411.0030); where z is zero, it gives the likeliest tile. A cell that is nearly
certain is not sampled: with 49 cells a frame, unlikely tiles would be seen all the time.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.config.tilemap import TilemapModelConfig
from gamesim.models.tilemap.cells import PerCell, Residual
from gamesim.models.tilemap.palette import OfTile, Palette

TURNS = 5
SURE, SURE_IN_TRAINING = 0.995, 0.95
"""A tile that is at least this likely leaves nothing to chance. In training the threshold is lower: dreams
are compared with the real game there for as long as both go the same way."""


class Drawing(NamedTuple):
    """A step's picture.

    Attributes:
        frame: (B, 3, H, W) in [0, 1].
        log_probs: of the tiles in the frame, and in the static and the dynamic layer by themselves,
            (B, 3, K, h, w); without a memory module in the frame alone, (B, 1, K, h, w).
        share: the dynamic layer's share of each cell, (B, h, w); zeros without a memory module.
        weight: how much each cell counts in what the step says of a real frame, (B, h, w), 1 on average.
    """

    frame: Tensor
    log_probs: Tensor
    share: Tensor
    weight: Tensor


class Renderer(nn.Module):
    """Draws frames of `cells` x `cells` tiles from the memory read and the dynamics engine's state."""

    def __init__(self, config: TilemapModelConfig) -> None:
        super().__init__()
        self.cells, self.patch = config.frame_size // config.patch, config.patch
        self.use_memory = config.memory
        width, tiles = config.channels, config.tiles
        self.static = nn.Sequential(PerCell(config.memory_width, width), nn.SiLU())
        self.dynamic = PerCell(config.hidden + width, width)
        self.glimpse = OfTile(tiles, width)
        self.blocks = nn.Sequential(*(Residual(width) for _ in range(config.blocks)), nn.SiLU())
        self.mask = PerCell(2 * width, 1)
        nn.init.constant_(self.mask.bias, math.log(tiles) + 5)  # at first the static layer has most of it
        self.kinds = PerCell(width, tiles)
        self.tiles = Palette(tiles, config.patch)
        self.turn: Tensor
        x, y = torch.arange(self.cells), torch.arange(self.cells)[:, None]
        self.register_buffer("turn", (x + 2 * y) % TURNS, persistent=False)

    def forward(self, read: Tensor, state: Tensor, z: Tensor) -> Drawing:
        """Draws frames.

        Args:
            read: what the memory holds under the view (B, memory_width, h, w).
            state: h and what it was made of (B, hidden + width, h, w).
            z: (B, K, h, w).
        """
        noise = gumbel(z)
        log_probs, share = self._in_turns(read, state, lambda kinds: self.glimpse(self.pick(kinds, noise)))
        frame = self.tiles(self.pick(log_probs[:, 0], noise))
        return Drawing(frame, log_probs, share, torch.ones_like(share))

    def forced(self, read: Tensor, state: Tensor, real: Tensor) -> Drawing:
        """Teacher-forced: what is said of real frames (B, 3, H, W), some of whose cells are shown.

        In training it is chance which; in play none is shown.
        """
        shown = self._some(len(real)) if self.training else torch.zeros_like(real[:, :1, :1, :1])
        seen = shown * self.glimpse(self.tiles.which(real))
        log_probs, share = self._layers(self._still(read), self.dynamic(state) + seen)
        hidden = (1 - shown[:, 0]).expand_as(share)
        return Drawing(real, log_probs, share, hidden / hidden.mean((1, 2), keepdim=True))

    def layers(self, read: Tensor, state: Tensor, frame: Tensor) -> tuple[Tensor, Tensor]:
        """`Drawing.log_probs` and `share` of a frame (B, 3, H, W) that is there, turn by turn."""
        shown = self.glimpse(self.tiles.which(frame))
        return self._in_turns(read, state, lambda _: shown)

    def board(self, memory: Tensor) -> Tensor:
        """The static layer's likeliest tiles of any part of the memory (B, memory_width, h, w), as pixels."""
        return self.likeliest(self.kinds(self.static(memory)))

    def likeliest(self, kinds: Tensor) -> Tensor:
        """Log probabilities (B, K, h, w) -> the picture (B, 3, H, W) of the likeliest tile of each cell."""
        return self.tiles(self.pick(kinds, torch.zeros_like(kinds)))

    def _some(self, lanes: int) -> Tensor:
        """The cells of a random number of turns, 0 to all but one, in a random order: (lanes, 1, h, w)."""
        order = torch.rand(lanes, TURNS, device=self.turn.device).argsort(1)
        passed = torch.randint(TURNS, (lanes, 1), device=self.turn.device)
        return (order < passed)[:, self.turn][:, None].float()

    def _in_turns(
        self, read: Tensor, state: Tensor, show: Callable[[Tensor], Tensor]
    ) -> tuple[Tensor, Tensor]:
        """`Drawing.log_probs` and `share`; `show` makes what later turns see out of log probabilities."""
        still, moving = self._still(read), self.dynamic(state)
        log_probs, share = self._layers(still, moving)
        seen = torch.zeros_like(moving)
        for turn in range(1, TURNS):
            before = self.turn == turn - 1
            seen = torch.where(before, show(log_probs[:, 0]), seen)
            said, covered = self._layers(still, moving + seen)
            log_probs = torch.where(self.turn < turn, log_probs, said)
            share = torch.where(self.turn < turn, share, covered)
        return log_probs, share

    def _still(self, read: Tensor) -> tuple[Tensor, Tensor] | None:
        """The static layer: its features, and the log probabilities of its tiles."""
        if not self.use_memory:
            return None
        still = self.static(read)
        return still, self.kinds(still).log_softmax(1)

    def _layers(self, static: tuple[Tensor, Tensor] | None, moving: Tensor) -> tuple[Tensor, Tensor]:
        """`Drawing.log_probs` and `share` by what is known of each cell, (B, width, h, w)."""
        moving = self.blocks(moving)
        kinds = self.kinds(moving)
        drawn = kinds.log_softmax(1)
        if static is None:
            return drawn[:, None], torch.zeros_like(drawn[:, 0])
        still, kept = static
        share = self.mask(torch.cat([still, moving], 1)) - kinds.logsumexp(1, keepdim=True)
        mixed = torch.logaddexp(kept + F.logsigmoid(share), drawn + F.logsigmoid(-share))
        return torch.stack([mixed, kept, drawn], 1), (-share[:, 0]).sigmoid()

    def pick(self, kinds: Tensor, noise: Tensor) -> Tensor:
        """The tile of each cell, one-hot (B, K, h, w).

        In training the gradient passes as if each tile were shown by its probability (straight-through:
        Bengio et al. 2013): what later turns say teaches earlier ones.
        """
        sure = math.log(SURE_IN_TRAINING if self.training else SURE)
        noise = noise * (kinds.amax(1, keepdim=True) < sure)
        sharp = F.one_hot((kinds + noise).argmax(1), self.tiles.count).movedim(-1, 1).to(kinds.dtype)
        if self.training:
            shares = kinds.softmax(1)
            sharp = sharp + shares - shares.detach()
        return sharp


def gumbel(z: Tensor) -> Tensor:
    """Standard normal numbers -> standard Gumbel ones, in the same order."""
    return -(-torch.special.log_ndtr(z.float())).log()
