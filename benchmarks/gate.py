"""How often does `quality_fell` cry wolf when the same models run again, and what does it find?

    python benchmarks/gate.py [--draws 40] [--data FOLDER]

Recorded outcomes of real models stand for one run. Another run of the same model flips scores as
real repeats do: LLMRouter's file holds 119 prompts twice, answered anew by the same nine models,
and 7.7 % of the 1,071 scores differ, as many up as down. A drop makes right answers wrong at
random. Suites of n samples are drawn from each task; the route is any candidate of a mean of 0.5
to 0.98.

`paired` has both maps' outcomes at hand (`exact`: by McNemar's exact test instead of mid-p),
`interval` the two maps alone; `naive` is the usual check, "the mean is more than 0.02 lower". A map
has six tasks, corrected by Holm as the gate does; a drop is then one of all six.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from decision_rule import REALDATA, Population, read_populations

from llmroute.analysis.intervals import beta_cdf, lower_bound, upper_bound
from llmroute.analysis.paired import holm, interval_drop_p, sign_flip_p
from llmroute.records import Interval

SIZES = (60, 120, 240)
DROPS = (0.0, 0.02, 0.05, 0.10)
CONFIDENCE = 0.95
TASKS = 6
WAYS = ("paired", "exact", "interval")
NAIVE = 0.02
MOST_CANDIDATES = 3


@dataclass
class Cell:
    """One candidate on one task: its recorded scores."""

    name: str
    scores: np.ndarray


@dataclass
class Verdicts:
    """p-values of one draw by each way of comparing, and the naive answer."""

    paired: float
    exact: float
    interval: float
    naive: bool


def read_cells(populations: Sequence[Population]) -> list[Cell]:
    """Up to three candidates a task that a map might route to, spread over their qualities."""
    cells = []
    for population in populations:
        means = population.scores.mean(axis=1)
        able = [int(i) for i in np.argsort(means) if 0.5 <= means[i] <= 0.98]
        picked = (
            sorted({able[round(k)] for k in np.linspace(0, len(able) - 1, MOST_CANDIDATES)})
            if able
            else []
        )
        cells += [Cell(f"{population.task}/{i}", population.scores[i]) for i in picked]
    return cells


def read_repeats(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Both scores of every (prompt, model) that was answered twice; shape (n_prompts, n_models)."""
    by_prompt = defaultdict(list)
    with gzip.open(folder / "llmrouter_example.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            scores = [row["models"][name]["score"] for name in sorted(row["models"])]
            by_prompt[row["task"], row["prompt"]].append(scores)
    pairs = np.array([rows for rows in by_prompt.values() if len(rows) == 2], dtype=float)
    return pairs[:, 0], pairs[:, 1]


def again(
    scores: np.ndarray, whole: np.ndarray, flips: float, rng: np.random.Generator
) -> np.ndarray:
    """Another run: right-or-wrong scores flip at the measured rate, graded ones are drawn anew.

    As many flip up as down, so the pair (first, second) can be exchanged and no mean moves.
    """
    mean = float(whole.mean())
    if not np.isin(whole, (0.0, 1.0)).all():
        return np.where(rng.random(scores.size) < flips, rng.choice(whole, scores.size), scores)
    chance = np.where(scores == 1, flips / (2 * mean), flips / (2 * (1 - mean)))
    return np.where(rng.random(scores.size) < chance, 1 - scores, scores)


def dropped(scores: np.ndarray, drop: float, mean: float, rng: np.random.Generator) -> np.ndarray:
    """The scores, lower by `drop` on average: some answers are worth nothing now."""
    return np.where(rng.random(scores.size) < drop / mean, 0.0, scores)


def judge(before: np.ndarray, after: np.ndarray) -> Verdicts:
    return Verdicts(
        paired=sign_flip_p(after - before),
        exact=exact_p(after - before),
        interval=interval_drop_p(interval(before), interval(after), CONFIDENCE, CONFIDENCE),
        naive=bool(before.mean() - after.mean() > NAIVE),
    )


def exact_p(differences: np.ndarray) -> float:
    """McNemar's exact test where scores are right or wrong, else the same sign flips."""
    d = differences[differences != 0]
    if not np.isin(d, (-1.0, 1.0)).all():
        return sign_flip_p(d)
    falls = int((d < 0).sum())
    return 1.0 if falls == 0 else beta_cdf(0.5, falls, d.size - falls + 1)


def interval(scores: np.ndarray) -> Interval:
    bounds = (bound(scores, CONFIDENCE) for bound in (lower_bound, upper_bound))
    return Interval(float(scores.mean()), *bounds)


def draw(
    cells: Sequence[Cell], n: int, drop: float, draws: int, flips: float, seed: int
) -> list[Verdicts]:
    verdicts = []
    for index, cell in enumerate(cells):
        rng = np.random.default_rng([seed, index, n, round(drop * 1000)])
        for _ in range(draws):
            before = rng.choice(cell.scores, n)
            after = again(before, cell.scores, flips, rng)
            after = dropped(after, drop, float(cell.scores.mean()), rng)
            verdicts.append(judge(before, after))
    return verdicts


def draw_repeats(
    first: np.ndarray, second: np.ndarray, n: int, draws: int, seed: int
) -> Iterator[Verdicts]:
    """Real repeats alone: n of the 119 prompts, the two runs in an order drawn anew."""
    rng = np.random.default_rng([seed, n])
    for _ in range(draws):
        rows, model = rng.choice(len(first), n, replace=False), int(rng.integers(first.shape[1]))
        runs = [first[rows, model], second[rows, model]]
        if rng.random() < 0.5:
            runs.reverse()
        yield judge(runs[0], runs[1])


def rates(verdicts: Sequence[Verdicts]) -> str:
    """Shares of alarms, of one task alone and of a map of six."""
    rng = np.random.default_rng(0)
    maps = [rng.choice(len(verdicts), TASKS, replace=False) for _ in range(4000)]
    shares = []
    for way in WAYS:
        alarms = [getattr(v, way) <= 1 - CONFIDENCE for v in verdicts]
        by_map = [min(holm([getattr(verdicts[i], way) for i in drawn])) for drawn in maps]
        shares.append((np.mean(alarms), np.mean([p <= 1 - CONFIDENCE for p in by_map])))
    naive = [v.naive for v in verdicts]
    shares.append((np.mean(naive), np.mean([any(naive[i] for i in drawn) for drawn in maps])))
    return "  ".join(f"{share[k]:8.1%}" for k in (0, 1) for share in shares)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=40, help="draws a candidate, size and drop")
    parser.add_argument("--data", type=Path, default=REALDATA)
    options = parser.parse_args()
    cells = read_cells(list(read_populations(options.data)))
    first, second = read_repeats(options.data)
    flips = float((first != second).mean())
    print(f"{len(cells)} routes on real tasks; {flips:.1%} of scores flip from run to run "
          f"({int((first < second).sum())} up, {int((first > second).sum())} down)")  # fmt: skip
    ways = "".join(f"{way:>10}" for way in (*WAYS, "naive"))
    print(f"{'':12}{'alarms, one task':^40}{'alarms, a map of six tasks':^40}")
    print(f"drop       n{ways}{ways}")
    for drop in DROPS:
        for n in SIZES:
            verdicts = draw(cells, n, drop, options.draws, flips, seed=1)
            print(f"{drop:5.2f}  {n:5}  {rates(verdicts)}", flush=True)
    print("real repeats, none simulated:")
    for n in (40, 60, 100):
        verdicts = list(draw_repeats(first, second, n, 60 * options.draws, seed=2))
        print(f" 0.00  {n:5}  {rates(verdicts)}", flush=True)


if __name__ == "__main__":
    main()
