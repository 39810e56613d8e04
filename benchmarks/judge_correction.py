"""Does the interval of a corrected quality hold the truth as often as it says, and is it worth it?

    python benchmarks/judge_correction.py [--draws 2000] [--data FOLDER]

A judge scores some hundred answers, people label 50 or 100 of them, and the quality people would
find over all answers is estimated from both. Simulated judges have known truths; of the recorded
ones (PandaLM's 999 pairs, the majority of three people beside two models) the rows are the
population, drawn from with replacement. Every interval is two-sided at 95 %; `low` is the one-sided
lower bound at 95 % that clears the bar; `labels alone` is the mean width (and coverage) of Wilson's
interval (right or wrong) or Student's of the same labels. A judge taken at its word would cover
what `judge alone` says.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from llmroute.analysis.correction import correct
from llmroute.analysis.distributions import student_t_quantile
from llmroute.analysis.judged import Judged
from llmroute.analysis.predict_powered import predict_powered

REPOSITORY = Path(__file__).resolve().parent.parent
REALDATA = Path(os.environ.get("LLMROUTE_REALDATA", REPOSITORY.parent / "shared" / "realdata"))
SIZES = (50, 100)
N = 400
WINNER = {1: 1.0, 0: 0.5, 2: 0.0, None: math.nan}

Draw = Callable[[np.random.Generator, int], tuple[Judged, Judged]]
"""(generator, labels) → the cell, and the task its labels stand in."""


@dataclass(frozen=True)
class Scenario:
    name: str
    truth: float
    draw: Draw


@dataclass
class Tally:
    """What came of all draws."""

    draws: int = 0
    covered: int = 0
    low_held: int = 0
    judge_covered: int = 0
    labels_covered: int = 0
    widths: list[float] = field(default_factory=list)
    labels_widths: list[float] = field(default_factory=list)
    methods: set[str] = field(default_factory=set)


def measure(scenario: Scenario, n_labels: int, draws: int, seed: int) -> Tally:
    rng = np.random.default_rng([seed, n_labels])
    tally = Tally()
    for _ in range(draws):
        cell, task = scenario.draw(rng, n_labels)
        found = correct(cell, task)
        if isinstance(found, str):
            tally.methods.add("none")
            continue
        low, high = found.low(0.975), found.high(0.975)
        tally.draws += 1
        tally.methods.add(found.method)
        tally.covered += low <= scenario.truth <= high
        tally.low_held += found.low(0.95) <= scenario.truth
        tally.widths.append(high - low)
        low, high = judge_alone(cell)
        tally.judge_covered += low <= scenario.truth <= high
        if cell.labelled.any() and np.ptp(cell.stands_for) == 0:
            low, high = labels_alone(cell)
            tally.labels_covered += low <= scenario.truth <= high
            tally.labels_widths.append(high - low)
    return tally


def judge_alone(cell: Judged) -> tuple[float, float]:
    mean, n = float(cell.scores.mean()), cell.scores.size
    spread = 1.96 * float(cell.scores.std(ddof=1)) / math.sqrt(n)
    return mean - spread, mean + spread


def labels_alone(cell: Judged) -> tuple[float, float]:
    """The shortest intervals in use for a plain sample of as many labels."""
    labels = cell.labels[cell.labelled]
    n, mean = labels.size, float(labels.mean())
    if np.unique(cell.clusters).size < cell.clusters.size:  # as llmroute would without a judge
        alone = predict_powered(replace(cell, scores=np.ones_like(cell.scores)))
        return alone.low(0.975), alone.high(0.975)
    if np.isin(labels, (0.0, 1.0)).all():
        z = 1.959964
        middle = (mean + z * z / (2 * n)) / (1 + z * z / n)
        spread = z * math.sqrt(mean * (1 - mean) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    else:
        middle, z = mean, student_t_quantile(0.975, n - 1)
        spread = z * float(labels.std(ddof=1)) / math.sqrt(n)
    return middle - spread, middle + spread


# -- simulated judges -----------------------------------------------------------------------------


def judged(
    scores: np.ndarray,
    truth: np.ndarray,
    labelled: np.ndarray,
    clusters: np.ndarray | None = None,
    stands_for: np.ndarray | None = None,
) -> Judged:
    values = np.unique(np.concatenate([scores, truth]))
    return Judged(
        scores=scores,
        labels=np.where(labelled, truth, np.nan),
        weights=np.ones_like(scores),
        stands_for=np.ones_like(scores) if stands_for is None else stands_for,
        clusters=np.arange(scores.size) if clusters is None else clusters,
        right_or_wrong=bool(np.isin(values, (0.0, 1.0)).all()),
    )


def first(n: int, n_labels: int) -> np.ndarray:
    """Rows are drawn at random, so the first are as good as any."""
    return np.arange(n) < n_labels


def verdicts(rng: np.random.Generator, truth: np.ndarray, q1: float, q0: float) -> np.ndarray:
    right = rng.random(truth.size)
    return np.where(truth == 1, right < q1, right >= q0).astype(float)


def binary(quality: float, q1: float, q0: float) -> Draw:
    def draw(rng: np.random.Generator, n_labels: int) -> tuple[Judged, Judged]:
        truth = (rng.random(N) < quality).astype(float)
        cell = judged(verdicts(rng, truth, q1, q0), truth, first(N, n_labels))
        return cell, cell

    return draw


def three_levels(shares: tuple[float, ...], noise: float) -> Draw:
    levels = np.array([0.0, 0.5, 1.0])

    def draw(rng: np.random.Generator, n_labels: int) -> tuple[Judged, Judged]:
        truth = levels[rng.choice(3, N, p=shares)]
        scores = np.where(rng.random(N) < noise, levels[rng.integers(0, 3, N)], truth)
        cell = judged(scores, truth, first(N, n_labels))
        return cell, cell

    return draw


def rubric_means(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """People's means of four criteria; a judge's in twelve steps, a tenth of them at random."""
    truth = np.round(rng.beta(4, 1, n) * 4) / 4
    scores = np.clip(np.round((truth + rng.normal(0, 0.15, n)) * 12) / 12, 0, 1)
    return np.where(rng.random(n) < 0.1, np.round(rng.random(n) * 12) / 12, scores), truth


def scale(rng: np.random.Generator, n_labels: int) -> tuple[Judged, Judged]:
    scores, truth = rubric_means(rng, N)
    cell = judged(scores, truth, first(N, n_labels))
    return cell, cell


def near_the_bar(rng: np.random.Generator, n_labels: int) -> tuple[Judged, Judged]:
    """Half of the labels where the judge is unsure, as `judge agree --sample` draws them."""
    scores, truth = rubric_means(rng, N)
    near = (scores >= 0.6) & (scores < 1.0)
    labelled, stands_for = np.zeros(N, dtype=bool), np.ones(N)
    for part in (near, ~near):
        rows = np.flatnonzero(part)
        labelled[rng.choice(rows, n_labels // 2, replace=False)] = True
        stands_for[part] = rows.size / (n_labels // 2)
    cell = judged(scores, truth, labelled, stands_for=stands_for)
    return cell, cell


def of_others(quality: float, others: tuple[float, ...], q1: float, q0: float) -> Draw:
    """The labels are of other candidates' answers: only the judge's error rates help."""

    def draw(rng: np.random.Generator, n_labels: int) -> tuple[Judged, Judged]:
        truth = (rng.random(N) < quality).astype(float)
        cell = judged(verdicts(rng, truth, q1, q0), truth, np.zeros(N, dtype=bool))
        each = n_labels // len(others)
        theirs = (rng.random((len(others), each)) < np.array(others)[:, None]).ravel().astype(float)
        scores = np.concatenate([cell.scores, verdicts(rng, theirs, q1, q0)])
        labelled = np.arange(scores.size) >= N
        return cell, judged(scores, np.concatenate([truth, theirs]), labelled)

    return draw


# -- recorded judges ------------------------------------------------------------------------------


def recorded(
    path: Path, judge: str, level: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(the judge's scores, the majority's, which prompt) of every pair that was judged."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    scores = np.array([WINNER[row["judges"].get(judge)] for row in rows])
    truth = np.array([WINNER[row["human"]] for row in rows])
    prompts = np.unique([row["prompt"] for row in rows], return_inverse=True)[1]
    known = ~np.isnan(scores)
    return level(scores[known]), level(truth[known]), prompts[known]


def from_rows(scores: np.ndarray, truth: np.ndarray) -> Draw:
    def draw(rng: np.random.Generator, n_labels: int) -> tuple[Judged, Judged]:
        rows = rng.integers(0, truth.size, N)
        cell = judged(scores[rows], truth[rows], first(N, n_labels))
        return cell, cell

    return draw


def from_prompts(scores: np.ndarray, truth: np.ndarray, prompts: np.ndarray) -> Draw:
    """Whole prompts are drawn, six pairs each on average, and labels fall on any of them."""
    members = [np.flatnonzero(prompts == prompt) for prompt in range(prompts.max() + 1)]

    def draw(rng: np.random.Generator, n_labels: int) -> tuple[Judged, Judged]:
        drawn = [members[i] for i in rng.integers(0, len(members), N * len(members) // truth.size)]
        rows = np.concatenate(drawn)
        clusters = np.repeat(np.arange(len(drawn)), [part.size for part in drawn])
        labelled = np.zeros(rows.size, dtype=bool)
        labelled[rng.choice(rows.size, n_labels, replace=False)] = True
        cell = judged(scores[rows], truth[rows], labelled, clusters)
        return cell, cell

    return draw


def not_worse(scores: np.ndarray) -> np.ndarray:
    return (scores > 0).astype(float)


def as_they_are(scores: np.ndarray) -> np.ndarray:
    return scores


# -- the table ------------------------------------------------------------------------------------


def simulated_scenarios() -> Iterator[Scenario]:
    for quality, q1, q0 in (
        (0.85, 0.90, 0.80), (0.90, 0.95, 0.60), (0.95, 0.97, 0.80), (0.70, 0.75, 0.75),
    ):  # fmt: skip
        name = f"right or wrong, quality {quality}, q1 {q1}, q0 {q0}"
        yield Scenario(name, quality, binary(quality, q1, q0))
    for shares, noise in (((0.1, 0.2, 0.7), 0.3), ((0.02, 0.08, 0.9), 0.15)):
        quality = shares[1] / 2 + shares[2]
        name = f"three levels, quality {quality:.2f}, {noise:.0%} at random"
        yield Scenario(name, quality, three_levels(shares, noise))
    truth = float(rubric_means(np.random.default_rng(1), 4_000_000)[1].mean())
    yield Scenario(f"rubric means, quality {truth:.2f}", truth, scale)
    yield Scenario("the same, half of the labels near the bar", truth, near_the_bar)
    for quality in (0.6, 0.9):
        name = f"labels of two other candidates, quality {quality}, q1 0.9, q0 0.8"
        yield Scenario(name, quality, of_others(quality, (0.7, 0.5), 0.9, 0.8))


def recorded_scenarios(folder: Path) -> Iterator[Scenario]:
    path = folder / "judge_pandalm.jsonl.gz"
    if not path.is_file():
        print(f"({path} is not there: recorded judges are left out)")
        return
    for judge in ("gpt-3.5-turbo", "PandaLM-7B"):
        for words, level in (("first, tie, second", as_they_are), ("not worse", not_worse)):
            scores, truth, prompts = recorded(path, judge, level)
            quality = float(truth.mean())
            name = f"{judge}, {words}, quality {quality:.2f}"
            yield Scenario(name, quality, from_rows(scores, truth))
            if level is as_they_are:
                draw = from_prompts(scores, truth, prompts)
                yield Scenario("the same, prompts as clusters", quality, draw)


HEAD = ("scenario", "labels", "by", "covered", "low", "judge alone", "width", "labels alone")


def cells(scenario: Scenario, n_labels: int, tally: Tally) -> tuple[str, ...]:
    if not tally.draws:
        return (scenario.name, str(n_labels), "none: too few labels", *["–"] * 5)
    n, alone = tally.draws, "–"
    if tally.labels_widths:
        alone = f"{np.mean(tally.labels_widths):.3f} ({tally.labels_covered / n:.3f})"
    return (
        scenario.name,
        str(n_labels),
        ", ".join(sorted(tally.methods)),
        f"{tally.covered / n:.3f}",
        f"{tally.low_held / n:.3f}",
        f"{tally.judge_covered / n:.3f}",
        f"{np.mean(tally.widths):.3f}",
        alone,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=REALDATA)
    options = parser.parse_args()
    rows = [HEAD]
    for scenario in (*simulated_scenarios(), *recorded_scenarios(options.data)):
        for n_labels in SIZES:
            tally = measure(scenario, n_labels, options.draws, options.seed)
            rows.append(cells(scenario, n_labels, tally))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    print(f"{options.draws} draws of {N} judged answers each; intervals at 95 %\n")
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


if __name__ == "__main__":
    main()
