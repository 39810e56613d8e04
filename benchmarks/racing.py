"""How often does a race find the grid's route, and for what share of the grid's spend?

    python benchmarks/racing.py [--draws 200] [--sizes 40 100] [--risk 0.05] [--data FOLDER]

Suites of n samples are drawn without replacement from recorded outcomes of real models; costs are
list prices. The grid's route is worked out from all scores of the draw, the race sees only what it
asks for. `race` is llmroute's: what it routes to is never rejected by the grid, and the grid's
route is missed with probability at most the risk. `Ville` is the same race at the level that needs
no counting of paths. `plain` is what one would write without a guarantee: after every batch
a candidate is out (clears) when a beta-binomial posterior with a uniform prior says so at
the risk; it may stop before the last sample. `Ville` and `plain` leave out the one task
whose scores are not right or wrong.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from decision_rule import REALDATA, Population, read_populations
from scipy.stats import betabinom

from llmroute.race import sequences
from llmroute.race.grid import GridRule, fewest_right, summarise
from llmroute.race.race import TaskRace
from llmroute.race.rule import RaceCandidate, RaceRule
from llmroute.records import QualityRule, QualityThreshold, Sample

SETS = ("zeroeval", "llmrouter_example")
FIXED_BAR = 0.85


@dataclass(frozen=True)
class Draw:
    """One suite, candidates in rows, samples in the race's order in columns."""

    names: tuple[str, ...]
    scores: np.ndarray
    costs: np.ndarray
    grid: GridRule
    samples: tuple[Sample, ...]
    seed: int
    right_or_wrong: bool

    @property
    def n(self) -> int:
        return self.scores.shape[1]


@dataclass(frozen=True)
class Race:
    """What one strategy did on one draw."""

    same: bool
    dollars: float
    calls: float
    rejected: bool
    """It routes to a candidate that the grid would reject."""


def draw_suites(
    population: Population, n: int, bar: float, draws: int, seed: int
) -> Iterator[Draw]:
    rng = np.random.default_rng([seed, n, len(population.task), int(1000 * bar)])
    rule = QualityRule(QualityThreshold(bar))
    grid = GridRule(rule, rule.threshold, len(population.candidates))
    binary = bool(np.isin(population.scores, (0.0, 1.0)).all())
    samples = tuple(Sample(f"s{i:04}", "") for i in range(n))
    for index in range(draws):
        columns = rng.choice(population.scores.shape[1], n, replace=False)
        scores = population.scores[:, columns]
        yield Draw(population.candidates, scores, population.costs, grid, samples, index, binary)


def grid_meets(draw: Draw) -> np.ndarray:
    if draw.right_or_wrong:
        return draw.scores.sum(axis=1) >= fewest_right(draw.n, draw.grid)
    ones = np.ones(draw.n)
    summaries = (summarise("", row, ones, {}, draw.n, draw.n) for row in draw.scores)
    return np.array([draw.grid.meets(summary) for summary in summaries])


def cheapest(draw: Draw, clearing: np.ndarray) -> int | None:
    """The routing map's choice: by cost, then quality, then name."""
    quality = draw.scores.mean(axis=1)
    return min(
        np.flatnonzero(clearing),
        key=lambda i: (draw.costs[i], -quality[i], draw.names[i]),
        default=None,
    )


def outcome(draw: Draw, route: int | None, asked: np.ndarray) -> Race:
    meets = grid_meets(draw)
    return Race(
        same=route == cheapest(draw, meets),
        dollars=float(asked @ draw.costs) / float(draw.costs.sum() * draw.n),
        calls=float(asked.sum()) / draw.scores.size,
        rejected=route is not None and not meets[route],
    )


def run_race(draw: Draw, risk: float, batch: int) -> Race:
    rule = RaceRule(draw.grid.rule, right_or_wrong=draw.right_or_wrong, risk=risk, batch=batch)
    rivals = [RaceCandidate(*pair) for pair in zip(draw.names, draw.costs.tolist(), strict=True)]
    race = TaskRace("task", draw.samples, rivals, rule, seed=draw.seed)
    row = {name: i for i, name in enumerate(draw.names)}
    while calls := race.next_batch():
        for name, sample in calls:
            score = float(draw.scores[row[name], int(sample[1:])])
            race.record(name, sample, score, rivals[row[name]].cost_usd)
    asked = np.array([race.contenders[name].n_recorded for name in draw.names])
    return outcome(draw, None if race.route is None else row[race.route], asked)


def run_ville(draw: Draw, risk: float, batch: int) -> Race:
    n, needed = draw.n, fewest_right(draw.n, draw.grid)
    return run_bounds(draw, ville_bounds(n, needed, risk, batch))


def run_plain(draw: Draw, risk: float, batch: int) -> Race:
    return run_bounds(draw, plain_bounds(draw.n, fewest_right(draw.n, draw.grid), risk, batch))


Bounds = tuple[tuple[int, int, int], ...]
"""(look, so many right or fewer drop, so many or more clear)."""


@cache
def ville_bounds(n: int, needed: int, risk: float, batch: int) -> Bounds:
    if needed > n:
        return ((0, 0, 1),)
    looks = tuple(range(batch, n, batch))
    inverse_wealth = [sequences._inverse_wealth(n, needed, t) for t in looks]
    few = sequences._fewest(inverse_wealth, risk, n, needed, looks)
    sure = [needed - 1 - (n - t) for t in looks]
    return tuple((t, max(b, s), n + 1) for t, b, s in zip(looks, few, sure, strict=True))


@cache
def plain_bounds(n: int, needed: int, risk: float, batch: int) -> Bounds:
    if needed > n:
        return ((0, 0, 1),)
    bounds = []
    for t in range(batch, n, batch):
        s = np.arange(t + 1)
        passes = betabinom.sf(needed - 1 - s, n - t, 1 + s, 1 + t - s)
        bounds.append((t, int((passes <= risk).sum()) - 1, t + 1 - int((passes >= 1 - risk).sum())))
    return tuple(bounds)


def run_bounds(draw: Draw, bounds: Bounds) -> Race:
    order = np.random.default_rng(draw.seed).permutation(draw.n)
    right = np.concatenate(
        [np.zeros((len(draw.names), 1)), draw.scores[:, order].cumsum(axis=1)], 1
    )
    asked = np.full(len(draw.names), draw.n)
    clears = grid_meets(draw)
    for t, few, many in reversed(bounds):
        out, through = right[:, t] <= few, right[:, t] >= many
        asked[out | through] = t
        clears = np.where(out, False, np.where(through, True, clears))
    return outcome(draw, *cheap_to_dear(draw, clears, asked))


def cheap_to_dear(
    draw: Draw, clears: np.ndarray, asked: np.ndarray
) -> tuple[int | None, np.ndarray]:
    """Ask cost by cost until one clears; several at one cost are asked everything."""
    asked = asked.copy()
    meets = grid_meets(draw)
    for cost in np.unique(draw.costs):
        tied = (draw.costs == cost) & clears
        if tied.sum() > 1:
            asked[tied] = draw.n
            tied = tied & meets if (tied & meets).any() else tied
        if tied.any():
            asked[draw.costs > cost] = 0
            return cheapest(draw, tied), asked
    return None, asked


def report(name: str, races: dict[str, list[Race]], seconds: float) -> None:
    everything = [race for some in races.values() for race in some]
    dollars = np.array([race.dollars for race in everything])
    same = {task: np.mean([race.same for race in some]) for task, some in races.items()}
    worst = min(same, key=lambda task: same[task])
    print(
        f"  {name:6} {np.mean([r.same for r in everything]):8.1%} {same[worst]:8.1%}"
        f" {np.mean([r.rejected for r in everything]):9.2%} {dollars.mean():9.1%}"
        f" {np.quantile(dollars, 0.5):7.1%} {np.quantile(dollars, 0.9):7.1%}"
        f" {np.mean([r.calls for r in everything]):8.1%} {seconds:7.1f}  {worst}",
        flush=True,
    )


def compare(populations: Sequence[Population], n: int, options: argparse.Namespace) -> None:
    strategies = {"race": run_race, "Ville": run_ville, "plain": run_plain}
    both: dict[str, dict[str, list[Race]]] = {name: {} for name in strategies}
    seconds = dict.fromkeys(strategies, 0.0)
    for label in ("0.9 of best", f"{FIXED_BAR}"):
        print(f"n = {n}, bar {label}")
        for name, strategy in strategies.items():
            start = time.process_time()
            run = partial(strategy, risk=options.risk, batch=options.batch)
            races = {
                p.task: [run(draw) for draw in draw_suites(p, n, bar, options.draws, 0)]
                for p in populations
                if name == "race" or np.isin(p.scores, (0.0, 1.0)).all()
                for bar in [p.bar if "best" in label else FIXED_BAR]
            }
            spent = time.process_time() - start
            report(name, races, spent)
            both[name].update({f"{task} at {label}": some for task, some in races.items()})
            seconds[name] += spent
    print(f"n = {n}, both bars")
    for name, races in both.items():
        report(name, races, seconds[name])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=200, help="suites a task, bar and size")
    parser.add_argument("--sizes", type=int, nargs="*", default=(40, 100))
    parser.add_argument("--batch", type=int, default=5)
    parser.add_argument("--risk", type=float, default=0.05)
    parser.add_argument("--data", type=Path, default=REALDATA)
    options = parser.parse_args()
    populations = list(read_populations(options.data, SETS))
    print(f"{len(populations)} tasks, {options.draws} suites each, at {options.risk:.0%} risk")
    print(
        "         as grid    worst  rejected   dollars     p50     p90    calls   CPU s  worst task"
    )
    for n in options.sizes:
        compare(populations, n, options)


if __name__ == "__main__":
    main()
