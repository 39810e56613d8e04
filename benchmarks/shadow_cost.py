"""Are the costs `llmroute shadow` estimates what the other model really cost?

    python benchmarks/shadow_cost.py [HALVES]

RouterArena's recorded queries, both models' tokens known: lengths are learned on a random half, the
other half is taken as a log of one model, and the estimate of what the other model would have cost
is held against what it did. Needs the recorded outcomes (LLMROUTE_REALDATA).
"""

from __future__ import annotations

import gzip
import json
import os
import random
import sys
from pathlib import Path
from statistics import fmean, pstdev

from llmroute.records import Outcome, Price, Usage
from llmroute.shadow.costs import Costs
from llmroute.shadow.lengths import Lengths
from llmroute.shadow.served import Served, estimate_cost

ROOT = Path(__file__).resolve().parent.parent
REALDATA = Path(os.environ.get("LLMROUTE_REALDATA", ROOT.parent / "shared" / "realdata"))
LOGGED, ROUTED = "claude-3-haiku-20240307", "gemini-2.0-flash-001"
PRICES = {LOGGED: Price(0.25, 1.25), ROUTED: Price(0.1, 0.4)}
HALVES = 200


def usage(row: dict, model: str) -> Usage:
    answer = row["models"][model]
    return Usage(answer["prompt_tokens"], answer["completion_tokens"])


def one_half(rows: list[dict]) -> tuple[bool, float, float]:
    """Whether the interval held the truth, the estimate's error and the interval's half-width."""
    bench, log = rows[::2], rows[1::2]
    lengths = Lengths(
        Outcome(row["task"], row["id"], model, usage=usage(row, model))
        for row in bench
        for model in PRICES
    )
    costs, truth = Costs(), 0.0
    for row in log:
        length = lengths.of(row["task"], ROUTED, LOGGED)
        if length is None:
            continue
        paid = PRICES[LOGGED].cost_usd(usage(row, LOGGED))
        cost = estimate_cost(usage(row, LOGGED), PRICES[ROUTED], length)
        moved = (row["task"], "tag", LOGGED, LOGGED, ROUTED, paid, cost)
        costs.add(Served(*moved, *[None] * 6))
        truth += PRICES[ROUTED].cost_usd(usage(row, ROUTED)) or 0.0
    found = costs.summary()
    assert found is not None
    bounds = found.routed_usd
    held = bounds.low <= truth <= bounds.high
    return held, bounds.value / truth - 1, (bounds.high - bounds.low) / 2 / truth


def main() -> None:
    halves = int(sys.argv[1]) if len(sys.argv) > 1 else HALVES
    with gzip.open(REALDATA / "routerarena.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    rng, results = random.Random(0), []
    for _ in range(halves):
        rng.shuffle(rows)
        results.append(one_half(rows))
    held, errors, widths = zip(*results, strict=True)
    print(f"halves {halves}: the 95 % interval held the truth in {fmean(held):.1%};")
    print(f"error {fmean(errors):+.1%} on average, standard deviation {pstdev(errors):.1%};")
    print(f"half-width of the interval {fmean(widths):.1%}")


if __name__ == "__main__":
    main()
