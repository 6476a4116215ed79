"""A palette of tiles: the pictures of a cell that Tilemap draws frames from.

GameGAN's rendering engine (Kim et al. 2020, Sec. 3.3) places objects, each of a *type* that a learned
vector describes, and blends them by soft masks. Ours has K types, the tiles, and for every cell the
probability of each, as in a mixture of Bernoullis (Bishop 2006, Sec. 9.3.3). A dream draws one of them, so
that a cell is one thing or another and never the mean of two. The tiles are found in the training frames and
then learned with the rest; an engine for a game without repeating cells needs more of them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.models.tilemap.cells import PerCell, to_cells, to_pixels

CERTAIN = 0.9999
"""How certain of a pixel a new tile may be: one that is not quite right can then still learn."""


class Palette(nn.Module):
    """K pictures of a cell, as logits of their pixels."""

    def __init__(self, count: int, patch: int) -> None:
        super().__init__()
        self.count, self.patch = count, patch
        self.logits = nn.Parameter(torch.zeros(count, 3 * patch**2))

    @torch.no_grad()
    def prepare(self, frames: Tensor) -> None:
        """Takes the cells that differ most from each other (Gonzalez 1985), until there are no others.

        Tiles that are left over stay grey: no cell resembles them, so they are never drawn.

        Args:
            frames: uint8 (N, H, W, 3), a fair draw from the data.
        """
        rows = to_cells(frames.movedim(-1, 1), self.patch).permute(0, 2, 3, 1).flatten(0, 2)
        kinds = sorted({row.tobytes() for row in rows.cpu().numpy()})
        cells = torch.stack([torch.frombuffer(bytearray(kind), dtype=torch.uint8) for kind in kinds])
        cells = cells.to(self.logits.device).float() / 255
        nearest = torch.full((len(cells),), torch.inf, device=cells.device)
        chosen = cells[:1]
        for tile in self.logits:
            tile.copy_(chosen[0].clamp(1 - CERTAIN, CERTAIN).logit())
            nearest = torch.minimum(nearest, (cells - chosen).square().sum(1))
            farthest = nearest.argmax()[None]
            chosen = cells[farthest]
            if nearest[farthest] < 1e-3:
                break

    def divergence(self, frames: Tensor) -> Tensor:
        """From each cell of frames (N, 3, H, W) to each tile: KL in nats, at least 0, (N, K, h, w)."""
        with torch.autocast(frames.device.type, enabled=False):
            cells = to_cells(frames.float(), self.patch)
            entropy = (torch.special.entr(cells) + torch.special.entr(1 - cells)).sum(1, keepdim=True)
            return -(self._likelihood(cells) + entropy)

    @torch.no_grad()
    def which(self, frames: Tensor) -> Tensor:
        """The probability of each tile, if all were equally common, in frames (N, 3, H, W): (N, K, h, w)."""
        with torch.autocast(frames.device.type, enabled=False):
            return self._likelihood(to_cells(frames.float(), self.patch)).softmax(1)

    def _likelihood(self, cells: Tensor) -> Tensor:
        """Log likelihood of cells (N, 3 * patch^2, h, w) under each tile, (N, K, h, w)."""
        log = F.linear(cells.permute(0, 2, 3, 1), self.logits, F.logsigmoid(-self.logits).sum(1))
        return log.permute(0, 3, 1, 2)

    def forward(self, shares: Tensor) -> Tensor:
        """The frames (N, 3, H, W) in [0, 1] that the tiles make up by these shares (N, K, h, w)."""
        pixels = F.linear(shares.permute(0, 2, 3, 1), self.logits.detach().sigmoid().T)
        return to_pixels(pixels.permute(0, 3, 1, 2), self.patch)


class OfTile(PerCell):
    """What a cell's tile means to a network: an embedding, for one tile or for shares of several."""

    def __init__(self, tiles: int, width: int) -> None:
        super().__init__(tiles, width)
        nn.init.normal_(self.weight, std=0.5)
