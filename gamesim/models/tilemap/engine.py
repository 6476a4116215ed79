"""Tilemap's networks: state and memory are maps that scroll under the agent.

After GameGAN (Kim et al. 2020, arXiv 2005.12126, Sec. 3), which keeps the dynamics engine's state h and the
memory read m as vectors, so that the rendering engine has to place them in the picture. Here every cell of a
coarse grid (one per `patch` x `patch` pixels) has its own h and m, so that a picture that scrolls is a map
that shifts. That is what Tilemap is *given*, and GameGAN is not: the size of a cell, that the view scrolls by
whole cells or not at all, and that the agent stands on the cell in the middle. Both are given which actions
are opposites. What is GameGAN's and what is ours:

* Dynamics engine (Eq. 1-4): an action-LSTM, fused with the action multiplicatively; ours is
  convolutional, and its state is shifted with the view.
* Memory module (Eq. 5-9): slots on a 2-D board, a location that moves by a 3x3 kernel chosen by the
  action (left/right and up/down share one flipped kernel) and by a gate, erase and add. The paper
  attends softly to one slot of 512; ours writes and reads the window of slots under the view, at an
  integer location on a torus, and writes what is on screen (real or dreamt) rather than h.
* Rendering engine (Sec. 3.3, Eq. 10-14): K = 2 components, static from memory and dynamic from h,
  composed by fine masks. Ours draws tiles, in turns (`renderer.py`).
* z ~ N(0, I) is a map as well, and chooses the tiles. GameGAN leaves it to the discriminators to make z
  matter; ours can say how likely a real frame is, and is trained by that likelihood alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.config.tilemap import TilemapModelConfig
from gamesim.models import State
from gamesim.models.frames import to_uint8
from gamesim.models.tilemap.cells import PerCell, Residual, grid
from gamesim.models.tilemap.palette import OfTile
from gamesim.models.tilemap.renderer import Drawing, Renderer

CENTRE = 4
"""The middle of the nine neighbours."""
SHARPNESS = 100.0
"""Scale of the kernels' logits: a step of Adam moves them this much further. Without it the rest of the
generator learns to shift pictures by its convolutions before the kernels have found the direction."""
WHOLE = 0.9
"""In training a kernel blends the neighbours until one of them has this share; from then on it moves by whole
cells, as in play. A little of the next cell would reveal what comes into view, which is unknown in play."""


@dataclass
class Output:
    """One generated step. K is the number of tiles, L the number of predictions for a cell.

    Attributes:
        frame: (B, 3, H, W), in [0, 1].
        log_probs: (B, L, K, h, w), of each tile in each cell: in the frame, then, where there is a memory
            module, in its static and in its dynamic layer by itself.
        weight: (B, h, w), how much each cell counts when it is compared with a real one, 1 on average: the
            engine does not answer for the cells of a real frame that it was shown.
        reward: (B,), in units of ``reward_scale``.
        end_logit: (B,), logit of "the episode ends here".
        covered: (B,), pixels that the dynamic layer draws.
    """

    frame: Tensor
    log_probs: Tensor
    weight: Tensor
    reward: Tensor
    end_logit: Tensor
    covered: Tensor


class ActionKernels(nn.Module):
    """The 3x3 kernels by which the memory's location moves (Sec. 3.2: w = softmax of one kernel an action).

    Opposite actions, as far as they are known, share one kernel, flipped; the others have one each.
    """

    def __init__(self, num_actions: int, opposites: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        paired = [action for pair in opposites for action in pair]
        free = [action for action in range(num_actions) if action not in paired]
        count = len(free) + len(opposites)
        rows = {action: row for row, action in enumerate(free)}
        for row, (one, other) in enumerate(opposites, len(free)):
            rows |= {one: row, other: count + row}
        self.logits = nn.Parameter(0.003 * torch.randn(count, 9))
        self.rows: Tensor
        """Which kernel is each action's: of `logits`, or, beyond them, of those flipped."""
        self.register_buffer("rows", torch.tensor([rows[a] for a in range(num_actions)]), persistent=False)

    def forward(self, action: Tensor) -> Tensor:
        """(B,) -> (B, 9): the share of each of the nine neighbours, row by row."""
        logits = SHARPNESS * self.logits
        return torch.cat([logits, logits.flip(1)])[self.rows[action]].softmax(-1)


class TilemapEngine(nn.Module):
    """Dynamics engine, memory module and renderer; model.py puts them behind the contract of every engine."""

    def __init__(self, config: TilemapModelConfig) -> None:
        super().__init__()
        self.patch, self.slots = config.patch, config.memory_slots
        self.cells = config.frame_size // config.patch
        width, hidden, memory = config.channels, config.hidden, config.memory_width
        self.width, self.hidden, self.memory_width = width, hidden, memory
        self.use_memory = config.memory
        self.noise_shape = (config.tiles, self.cells, self.cells)
        """Of z, for one lane."""
        self.shifts: Tensor
        self.register_buffer("shifts", self._all_shifts(), persistent=False)

        self.encoder = nn.Sequential(OfTile(config.tiles, width), nn.SiLU(), PerCell(width, hidden))
        self.kernels = ActionKernels(config.num_actions, config.opposites)
        self.gate_features = PerCell(2 * hidden, width)
        opening = nn.Linear(width, 1)
        nn.init.constant_(opening.bias, 2.0)  # at first every key moves
        self.gate = nn.Sequential(nn.SiLU(), nn.Linear(2 * width, width), nn.SiLU(), opening)
        self.write = nn.Sequential(PerCell(2 * hidden + memory, width), nn.SiLU(), PerCell(width, 2 * memory))

        self.mix = nn.Conv2d(2 * hidden + memory, width, 3, padding=1)
        # Convolutions alone cannot tell the agent's cell, which stays in place, from those that scroll.
        self.place = nn.Parameter(torch.zeros(1, width, self.cells, self.cells))
        self.action = nn.Embedding(config.num_actions, 2 * width)
        nn.init.normal_(self.action.weight, std=0.1)
        self.before = Residual(width)
        self.gates = PerCell(width + hidden, 4 * hidden)
        self.renderer = Renderer(config)
        self.heads = nn.Sequential(nn.Linear(10 * hidden + width, width), nn.SiLU(), nn.Linear(width, 2))
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def _all_shifts(self) -> Tensor:
        """(9, cells^2, (cells + 2)^2): for each neighbour the matrix that moves it under the view."""
        size = self.cells
        slots = torch.arange((size + 2) ** 2).view(size + 2, size + 2)
        windows = [slots[y : y + size, x : x + size].flatten() for y in range(3) for x in range(3)]
        return torch.stack([F.one_hot(window, (size + 2) ** 2) for window in windows]).float()

    def initial(self, frame: Tensor) -> State:
        """The state in which `frame` (B, 3, H, W) in [0, 1] is on screen and nothing else is known.

        A state always has the key "frame": the frame on screen, real or dreamt. The memory is empty, and the
        view lies in the middle of its slots.
        """
        batch, device = len(frame), frame.device
        blank = torch.zeros(batch, self.hidden, self.cells, self.cells, device=device)
        return {
            "frame": frame,
            "h": blank,
            "c": blank.clone(),
            "memory": torch.zeros(batch, self.slots**2, self.memory_width, device=device),
            "location": torch.full((batch, 2), self.slots // 2, device=device),
            "mixed": torch.zeros(batch, self.width, self.cells, self.cells, device=device),
            "z": torch.zeros(batch, *self.noise_shape, device=device),
        }

    def advance(
        self, state: State, action: Tensor, z: Tensor, target: Tensor | None = None
    ) -> tuple[State, Output]:
        """One step: from the frame on screen and `action` to the next frame.

        Args:
            state: as `initial` or `advance` gave it; the trainer replaces state["frame"] by a real frame.
            action: int64 (B,).
            z: standard normal noise (B, *noise_shape), already scaled by the temperature.
            target: the real next frame (b, 3, H, W), b <= B, of the first lanes, which are teacher-forced:
                the engine says how likely it is, and goes on from it, instead of drawing one of its own.
        """
        # What the engine dreamt it sees as it would see a real frame: no gradient runs back through pictures,
        # which keeps long unrolls stable.
        seen = self.encode(state["frame"].detach())
        memory = self._write(state, seen)
        kernel, location = self.move(state, seen, action, len(action) if target is None else len(target))

        wide = self.window(memory, state["location"], margin=1)
        wide = torch.cat([wide, F.pad(torch.cat([state["h"], seen], 1), (1, 1, 1, 1))], 1)
        scrolled = self.scroll(wide, kernel)
        read, previous = scrolled[:, : self.memory_width], scrolled[:, self.memory_width :][:, : self.hidden]

        scale, shift = self.action(action)[..., None, None].chunk(2, 1)
        mixed = (self.mix(scrolled) + self.place) * (1 + scale) + shift
        mixed = self.before(mixed)
        h, c = self._lstm(mixed, previous, self.scroll(F.pad(state["c"], (1, 1, 1, 1)), kernel))

        drawing = self._draw(read, torch.cat([h, mixed], 1), z, target)
        reward, end_logit = self._outcome(h, mixed, drawing.frame)
        new: State = {
            "frame": drawing.frame,
            "h": h,
            "c": c,
            "memory": memory,
            "location": location,
            "mixed": mixed,
            "z": z,
        }
        covered = drawing.share.float().sum((1, 2)) * self.patch**2
        return new, Output(drawing.frame, drawing.log_probs, drawing.weight, reward, end_logit, covered)

    def overlap(self, now: State, then: State) -> Tensor:
        """The cells in the view of `now` that were in view in `then`: (B, 1, h, w), 0 or 1."""
        moved = (now["location"] - then["location"] + self.slots // 2) % self.slots - self.slots // 2
        there = moved[..., None] + torch.arange(self.cells, device=moved.device)
        inside = (there >= 0) & (there < self.cells)  # (B, 2, cells): along x, along y
        return (inside[:, 1, :, None] & inside[:, 0, None, :]).float()[:, None]

    def prepare(self, frames: Tensor) -> None:
        """Finds the palette in a fair sample of the data, uint8 (N, H, W, 3), before training begins."""
        self.renderer.tiles.prepare(frames)

    def nll(self, log_probs: Tensor, real: Tensor) -> Tensor:
        """Negative log likelihood of real frames, cell by cell, under a mixture of tiles.

        Args:
            log_probs: as in `Output`, (N, L, K, h, w).
            real: (N, 3, H, W) in [0, 1].

        Returns:
            Nats, (N, L, h, w).
        """
        return -(log_probs.float() - self.renderer.tiles.divergence(real)[:, None]).logsumexp(2)

    def internals(self, state: State) -> dict[str, Tensor]:
        """What the step to this state drew and remembers, for the x-ray view.

        Pictures are uint8 (B, H, W, 3), maps float (B, h, w) a cell or (B, S, S) a slot:

        - "static" and "dynamic", pictures: the likeliest tiles of each layer by itself.
        - "mask" (B, h, w) in [0, 1]: how much of each cell the dynamic layer draws.
        - "board", a picture: the static layer's likeliest tile of every slot at once.
        - "attention" (B, S, S): the view, alike for each slot under it; it sums to 1.
        - "memory" (B, S, S): the mean size of what a slot holds, 0 where nothing was ever written.
        - "writes" (B, S, S): the mean size of what the step *from* this state adds to each slot.
        - "z": the noise of the step. "hidden" (B, h, w): the size of h in each cell.
        """
        shown = {"z": state["z"], "hidden": state["h"].square().mean(1).sqrt()}
        if not self.use_memory:
            return shown
        log_probs, mask = self.layers(state)
        _, static, dynamic = log_probs.unbind(1)
        likeliest = self.renderer.likeliest
        after = self._write(state, self.encode(state["frame"]))
        return shown | {
            "static": to_uint8(likeliest(static)),
            "dynamic": to_uint8(likeliest(dynamic)),
            "mask": mask,
            "board": to_uint8(self.renderer.board(grid(state["memory"], self.slots))),
            "attention": self._view(state["location"]),
            "memory": self._per_slot(state["memory"]),
            "writes": self._per_slot(after - state["memory"]),
        }

    def layers(self, state: State) -> tuple[Tensor, Tensor]:
        """What the step to this state predicts for its frame, by turns: `Drawing.log_probs` and `share`."""
        read = self.window(state["memory"], state["location"], margin=0)
        return self.renderer.layers(read, self._moving(state), state["frame"])

    def with_memory(self, state: State, other: State) -> State:
        """This state on the board, and at the place on it, that another state remembers.

        What moves stays as it was; the frame is drawn again with the static layer of the other memory.
        """
        new = {**state, "memory": other["memory"], "location": other["location"]}
        read = self.window(new["memory"], new["location"], margin=0)
        return {**new, "frame": self.renderer(read, self._moving(new), new["z"]).frame}

    def _moving(self, state: State) -> Tensor:
        """What the dynamic layer is drawn from."""
        return torch.cat([state["h"], state["mixed"]], 1)

    def _view(self, location: Tensor) -> Tensor:
        """Where the memory is read: (B, slots, slots), alike for the slots under the view, summing to 1."""
        view = torch.zeros(len(location), self.slots**2, device=location.device)
        view.scatter_(1, self.indices(location, 0), 1 / self.cells**2)
        return view.view(-1, self.slots, self.slots)

    def _per_slot(self, memory: Tensor) -> Tensor:
        """(B, slots^2, memory_width) -> the mean size of the numbers of each slot, (B, slots, slots)."""
        return memory.abs().mean(-1).view(-1, self.slots, self.slots)

    # -- the dynamics engine -----------------------------------------------------------------------

    def encode(self, frame: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, width, cells, cells): what is seen in each cell."""
        return self.encoder(self.renderer.tiles.which(frame))

    def move(self, state: State, seen: Tensor, action: Tensor, forced: int) -> tuple[Tensor, Tensor]:
        """The kernel by which this step scrolls, (B, 9), and the location it leads to, int64 (B, 2).

        The gate looks at the cell on which the agent stands and at the one to which the kernel points.
        What moves and what does not is learned from real frames alone: beside `forced` teacher-forced lanes,
        the first, those that run freely scroll as in play, by whole cells.
        """
        weights = self.kernels(action)
        around = self.cells // 2 + torch.arange(-1, 2, device=seen.device)
        near = self.gate_features(torch.cat([seen, state["h"]], 1)[:, :, around][..., around])
        near = near.flatten(2)
        ahead = torch.einsum("bck,bk->bc", near, weights)
        gate = self.gate(torch.cat([ahead, near[..., CENTRE]], -1)).sigmoid()
        stay = F.one_hot(torch.full_like(action, CENTRE), 9).to(weights.dtype)
        kernel = gate * weights + (1 - gate) * stay
        towards = kernel.argmax(-1)
        whole = F.one_hot(towards, 9).to(weights.dtype)
        learning = forced or len(action) if self.training else 0
        sure = kernel.amax(-1, keepdim=True) > WHOLE
        blend = torch.where(sure, whole + kernel - kernel.detach(), kernel)  # the gradient stays
        kernel = torch.cat([blend[:learning], whole[learning:]])
        step = torch.stack([towards % 3 - 1, towards // 3 - 1], -1)
        return kernel, (state["location"] + step) % self.slots

    def scroll(self, wide: Tensor, kernel: Tensor) -> Tensor:
        """(B, C, cells + 2, cells + 2) -> (B, C, cells, cells): the nine shifts, weighted by the kernel."""
        shift = torch.einsum("bk,kij->bij", kernel, self.shifts)
        return grid(shift @ wide.flatten(2).transpose(1, 2), self.cells)

    def _lstm(self, mixed: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        i, f, o, g = self.gates(torch.cat([mixed, h], 1)).chunk(4, 1)
        c = (f + 1).sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    # -- the memory module -------------------------------------------------------------------------

    def indices(self, location: Tensor, margin: int) -> Tensor:
        """The slots under the view and `margin` cells around it, int64 (B, n * n), on the torus."""
        first = -(self.cells // 2) - margin
        offsets = torch.arange(first, first + self.cells + 2 * margin, device=location.device)
        x = (location[:, :1] + offsets) % self.slots
        y = (location[:, 1:] + offsets) % self.slots
        return (y[:, :, None] * self.slots + x[:, None, :]).flatten(1)

    def window(self, memory: Tensor, location: Tensor, margin: int) -> Tensor:
        """(B, memory_width, n, n): what the memory holds under the view; zeros without a memory module."""
        index = self.indices(location, margin)
        size = self.cells + 2 * margin
        read = memory.gather(1, index[..., None].expand(-1, -1, self.memory_width))
        return grid(read if self.use_memory else torch.zeros_like(read), size)

    def _write(self, state: State, seen: Tensor) -> Tensor:
        """Writes what is on screen into the slots under the view: erase and add, gated by cell."""
        if not self.use_memory:
            return state["memory"]
        read = self.window(state["memory"], state["location"], margin=0)
        gate, content = self.write(torch.cat([seen, state["h"], read], 1)).chunk(2, 1)
        change = gate.sigmoid() * (content.tanh() - read)
        index = self.indices(state["location"], 0)[..., None].expand(-1, -1, self.memory_width)
        return state["memory"].scatter_add(1, index, change.flatten(2).transpose(1, 2))

    # -- the picture and what it brings ------------------------------------------------------------

    def _draw(self, read: Tensor, state: Tensor, z: Tensor, target: Tensor | None) -> Drawing:
        """The first lanes are teacher-forced by the target, the others draw their own frame."""
        forced = 0 if target is None else len(target)
        parts = []
        if target is not None and forced:
            parts.append(self.renderer.forced(read[:forced], state[:forced], target))
        if forced < len(z):
            parts.append(self.renderer(read[forced:], state[forced:], z[forced:]))
        return parts[0] if len(parts) == 1 else Drawing(*map(torch.cat, zip(*parts, strict=True)))

    def _outcome(self, h: Tensor, mixed: Tensor, frame: Tensor) -> tuple[Tensor, Tensor]:
        """Reward and logit of the end, from the agent's cell and from what is on and around it afterwards.

        Without the latter, a ghost that caught the agent (and is hidden by it) would look like one that left.
        """
        centre = self.cells // 2
        around = slice(self.patch * (centre - 1), self.patch * (centre + 2))
        came = self.encode(frame[..., around, around].detach()).flatten(1)
        here = torch.cat([h, mixed], 1)[..., centre, centre]
        return self.heads(torch.cat([here, came], 1)).unbind(-1)
