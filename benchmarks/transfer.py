"""What agents that were trained inside dreams earn in the real game: `gamesim.evaluation.transfer`.

python benchmarks/transfer.py --out DIR random explorer real tilemap=checkpoints/tilemap-pacman [--seeds 3]
    [--steps 200000] [--episodes 500] [--game ID] [--device cpu] [--json FILE]

Rows are `random`, `explorer`, `real`, `NAME=CHECKPOINT` and `NAME=controller:CHECKPOINT`. Needs the extra
`agents`. The same command again goes on where it was stopped: with the defaults a training takes some minutes
of one core, and a dream's own time on top.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from gamesim import storage
from gamesim.errors import UserError
from gamesim.evaluation.transfer import Budget, Row, table, transfer


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="+", metavar="ROW")
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each row")
    parser.add_argument("--steps", type=int, default=Budget.steps)
    parser.add_argument("--episodes", type=int, default=Budget.episodes, help="real games for each seed")
    parser.add_argument("--lanes", type=int, default=Budget.lanes)
    parser.add_argument("--game", default=Budget.game)
    parser.add_argument("--device", default=Budget.device)
    parser.add_argument("--json", metavar="FILE")
    words = parser.parse_args()
    try:
        rows = [Row.of(text) for text in words.rows]
        budget = Budget(words.game, words.steps, words.episodes, words.lanes, words.device)
        found = transfer(rows, budget, range(words.seeds), words.out)
        if words.json is not None:
            storage.write_file(Path(words.json), f"{json.dumps(found, indent=1)}\n".encode())
    except UserError as error:
        print(f"transfer: {error}", file=sys.stderr)
        return 2
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
