"""How long a generation of C's training takes: 64 candidates of 16 dreams of up to 1,000 steps, one thread.

python benchmarks/controller_speed.py [--preset world-model] [--steps 1000] [--precision float32 bfloat16]
    [--device cpu]

Nobody dies in this dream, so that every lane is dreamt to the end: the time is the longest that it can be.
"""

from __future__ import annotations

import argparse
import sys
import time

import torch

from gamesim import config
from gamesim.data.dataset import TimeLimit
from gamesim.errors import UserError
from gamesim.models.world_models.engine import WorldModelEngine


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default="world-model")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--precision", nargs="+", default=["float32"], choices=["float32", "bfloat16"])
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    from gamesim.devices import pick
    from gamesim.training.cma_es import Evolution, Generation

    torch.set_num_threads(1)
    chosen = config.load(arguments.preset)
    if chosen.system != "world-model":
        raise UserError(f"{arguments.preset}: is no world model")
    settings, generator = chosen.controller, torch.Generator().manual_seed(0)
    device = pick(arguments.device)
    engine = WorldModelEngine(chosen.model).to(device).eval().requires_grad_(False)
    if engine.memory.outcomes is not None:
        for parameter in engine.memory.outcomes.parameters():
            parameter.zero_()  # an end is then as likely as not, and a dream goes on
    evolution = Evolution(engine.controller.flat().double().cpu().numpy(), settings, seed=0)
    seen = torch.randn(settings.rollouts, chosen.model.numbers, generator=generator)
    starts = engine.begin(seen.to(device))
    for precision in arguments.precision:
        engine.memory.to(getattr(torch, precision))
        began, worked = time.perf_counter(), time.process_time()
        candidates = torch.from_numpy(evolution.ask()).float().to(device)
        limit = TimeLimit(arguments.steps, 0.0)
        generation = Generation(engine, limit, settings.temperature, device)
        returns, steps = generation.returns(candidates, starts, generator)
        evolution.tell(returns.double().mean(1).cpu().numpy())
        seconds, worked = time.perf_counter() - began, time.process_time() - worked
        sizes = f"LSTM {chosen.model.hidden}, z {chosen.model.z_size}, C {candidates.shape[1]:,}"
        print(
            f"{chosen.name} ({sizes}), {precision}: {returns.numel()} dreams of {arguments.steps} steps "
            f"on {device} in {seconds:.1f} s ({steps.sum() / seconds:,.0f} steps/s), "
            f"of which {worked:.1f} s on the core"
        )
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(f"controller_speed: {error}")
