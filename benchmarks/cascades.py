"""What does looking at the weak model's answer add to looking at the prompt, and at which prices?

    python benchmarks/cascades.py [--seeds 3] [--trials] [--data FOLDER]

Recorded answers of real models; all scores are out of fold (five folds, near-duplicates together).
APGR and CPT as in RouteLLM, by the exact curve; ± is the standard deviation over seeds, brackets
are a 95 % bootstrap over prompts. `combined` sends the prompts that the router finds hardest
straight to the strong model and lets the rest cascade. Dollars are list prices at equal lengths: no
source records tokens. `--trials` refits without each check and without words.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from llmroute.calibration.bootstrap import bootstrap, interval
from llmroute.calibration.cascade import out_of_fold_escalation, shuffle_scores
from llmroute.calibration.controls import control_scores
from llmroute.calibration.curve import Sweep
from llmroute.calibration.groups import near_duplicate_groups
from llmroute.calibration.pair import Floats, Pair, Query
from llmroute.calibration.policy import Policy, choose_direct
from llmroute.calibration.split import grouped_folds, out_of_fold
from llmroute.calibration.summary import apgr, cpt, dollar_apgr
from llmroute.calibration.worth import break_even_ratio
from llmroute.cascades.answer_scorer import AnswerScorer
from llmroute.checks import CHECKS
from llmroute.routers.remember import remembering_texts
from llmroute.routers.tfidf import Tfidf

REPOSITORY = Path(__file__).resolve().parent.parent
REALDATA = Path(os.environ.get("LLMROUTE_REALDATA", REPOSITORY.parent / "shared" / "realdata"))
PAIRS = (
    ("routellm_gsm8k", "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"),
    ("zeroeval", "Meta-Llama-3.1-8B-Instruct", "gpt-4o-2024-08-06"),
    ("zeroeval", "claude-3-haiku-20240307", "claude-3-5-sonnet-20241022"),
)
RATIOS = (1.5, 2, 3, 4, 6, 8, 12, 25, 50, 125)
BUDGETS = np.linspace(0, 1, 21)
"""From "all weak" to "all strong"."""


@dataclass(frozen=True)
class Scored:
    """One seed's out-of-fold scores."""

    router: Floats
    escalation: Floats


def read_pair(folder: Path, name: str, weak: str, strong: str) -> Pair:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rows = [row for row in rows if not row.get("contaminated")]
    texts = [row["prompt"] for row in rows]
    prices = read_prices(folder)
    n = len(rows)
    return Pair(
        weak, strong,
        tuple(row["id"] for row in rows),
        tuple(Query(row["prompt"], row["task"]) for row in rows),
        np.array([row["models"][weak]["score"] for row in rows], float),
        np.array([row["models"][strong]["score"] for row in rows], float),
        np.full(n, prices[weak]), np.full(n, prices[strong]),
        near_duplicate_groups(texts),
        tuple(row["models"][weak]["answer"] for row in rows),
    )  # fmt: skip


def read_prices(folder: Path) -> dict[str, float]:
    """Model → USD of 1,000 tokens at three of input to one of output."""
    with (folder / "prices.csv").open() as lines:
        return {
            row["model"]: (3 * float(row["input_usd_per_1m"]) + float(row["output_usd_per_1m"]))
            / 4000
            for row in csv.DictReader(lines)
        }


def score_pair(pair: Pair, seed: int) -> Scored:
    folds = grouped_folds(pair, seed=seed)
    return Scored(
        out_of_fold(Tfidf, pair, folds, seed),
        out_of_fold_escalation(AnswerScorer, pair, folds, seed),
    )


def figures(scores: Floats, pair: Pair) -> tuple[float, float, float]:
    points = Sweep.of(scores, pair).whole()
    return (
        float(apgr(points)[0]),
        100 * float(cpt(points, 0.5)[0]),
        100 * float(cpt(points, 0.8)[0]),
    )


def show_figures(name: str, per_seed: list[tuple[float, float, float]]) -> None:
    means, sds = np.mean(per_seed, axis=0), np.std(per_seed, axis=0)
    print(
        f"  {name:<26} APGR {means[0]:.3f} ± {sds[0]:.3f}"
        f"   CPT50 {means[1]:5.1f} ± {sds[1]:.1f}   CPT80 {means[2]:5.1f} ± {sds[2]:.1f}",
        flush=True,
    )


def show_axes(pair: Pair, scored: list[Scored]) -> None:
    for name, scores in control_scores(pair).items():
        show_figures(name, [figures(scores, pair)])
    show_figures("router tfidf", [figures(one.router, pair) for one in scored])
    show_figures("cascade", [figures(one.escalation, pair) for one in scored])
    tasks = [query.task for query in pair.queries]
    for task in sorted(set(tasks)) if len(set(tasks)) > 1 else ():
        rows = [i for i, other in enumerate(tasks) if other == task]
        part = pair.rows(rows)
        for name, field in (("router", "router"), ("cascade", "escalation")):
            per_seed = [figures(getattr(one, field)[rows], part) for one in scored]
            show_figures(f"  {name}, {task}", per_seed)
    shuffled = shuffle_scores(pair, 1)
    show_figures(
        "cascade, shuffled outcomes",
        [figures(out_of_fold_escalation(AnswerScorer, shuffled), shuffled)],
    )
    show_difference(pair, scored[0])


def show_difference(pair: Pair, scored: Scored) -> None:
    ours, theirs = Sweep.of(scored.escalation, pair), Sweep.of(scored.router, pair)
    draws = bootstrap(
        lambda counts: (ours.apgr_under(counts) - theirs.apgr_under(counts))[:, None], pair.groups
    )
    ones = np.ones((1, len(pair)))
    value = float(ours.apgr_under(ones)[0] - theirs.apgr_under(ones)[0])
    gain = interval(value, draws[:, 0], 0.95)
    print(f"  cascade − router: APGR {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]")


# -- equal dollars --------------------------------------------------------------------------------


def priced(pair: Pair, ratio: float) -> Pair:
    """The pair where a weak call costs 1 and a strong one `ratio`."""
    ones = np.ones(len(pair))
    return replace(pair, weak_costs_usd=ones, strong_costs_usd=ratio * ones)


def dollars(pair: Pair, scored: Scored, ratio: float) -> tuple[float, float, float]:
    """Mean PGR at equal dollars of router, cascade and combined."""
    part = priced(pair, ratio)
    router = Policy.route(scored.router, part)
    cascade = Policy.cascade(scored.escalation, part)
    areas = [float(dollar_apgr(one.sweep().whole())[0]) for one in (router, cascade)]
    return areas[0], areas[1], combined(part, scored, ratio)


def combined(part: Pair, scored: Scored, ratio: float) -> float:
    """Mean PGR over budgets, the direct share chosen for each, as `calibrate` does for its one."""
    folds = grouped_folds(part, seed=0)
    recovered = []
    for budget in 1 + BUDGETS * (ratio - 1):
        direct = choose_direct(scored.router, scored.escalation, part, budget, folds)
        policy = Policy.combine(scored.router, scored.escalation, direct.rows, part)
        points = policy.sweep().whole()
        quality = float(np.interp(budget, points.cost_usd[0], points.quality[0]))
        recovered.append((quality - part.weak_scores.mean()) / part.gaps.mean())
    return float(np.trapezoid(recovered, BUDGETS))


def show_dollars(pair: Pair, scored: list[Scored]) -> None:
    ratio = float(pair.strong_costs_usd[0] / pair.weak_costs_usd[0])
    print(f"  at equal dollars (mean PGR over budgets); list prices: strong is {ratio:.0f} × weak")
    print("    ratio    router  cascade  combined")
    for one in sorted({*RATIOS, round(ratio, 1)}):
        values = np.mean([dollars(pair, seed, one) for seed in scored], axis=0)
        print(f"    {one:6g} " + "".join(f"{value:9.3f}" for value in values), flush=True)
    evens = [break_even_ratio(pair, one.router, one.escalation) for one in scored]
    print(
        "    the cascade beats the router from a ratio of"
        f" {np.mean(evens):.2f} ± {np.std(evens):.2f} on"
    )


# -- what helps -----------------------------------------------------------------------------------


def show_trials(pair: Pair, n_seeds: int) -> None:
    names = tuple(CHECKS.table)

    def trial(name: str, **params: object) -> None:
        show_figures(
            name,
            [
                figures(
                    out_of_fold_escalation(lambda: AnswerScorer(**params), pair, seed=seed), pair
                )
                for seed in range(n_seeds)
            ],
        )

    trial("checks without words", text=False)
    members = members_out_of_fold(pair, n_seeds)
    for name, per_seed in members.items():
        show_figures(f"{name} alone", per_seed)
    for left_out in names:
        trial(f"without {left_out}", checks=tuple(name for name in names if name != left_out))
    for only in names:
        trial(f"only {only}, no words", checks=(only,), text=False)


def members_out_of_fold(pair: Pair, n_seeds: int) -> dict[str, list[tuple[float, float, float]]]:
    found: dict[str, list[tuple[float, float, float]]] = {"trees": [], "ridge": []}
    for seed in range(n_seeds):
        gaps = np.zeros((2, len(pair)))
        for fold in grouped_folds(pair, seed=seed):
            scorer = AnswerScorer().fit(pair.rows(fold.train), seed=seed)
            test = pair.rows(fold.test)
            gaps[:, fold.test] = scorer.member_gaps(test.queries, test.weak_answers)
        for name, values in zip(found, gaps, strict=True):
            found[name].append(figures(values, pair))
    return found


def pairs(folder: Path) -> Iterator[tuple[str, Pair]]:
    for name, weak, strong in PAIRS:
        yield name, read_pair(folder, name, weak, strong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", action="store_true")
    parser.add_argument("--data", type=Path, default=REALDATA)
    options = parser.parse_args()
    for name, pair in pairs(options.data):
        n_groups = len(np.unique(pair.groups))
        print(f"\n{name}: {pair.weak} → {pair.strong}, {len(pair)} queries, {n_groups} groups")
        with remembering_texts():
            if options.trials:
                show_trials(pair, options.seeds)
                continue
            scored = [score_pair(pair, seed) for seed in range(options.seeds)]
            show_axes(pair, scored)
            show_dollars(pair, scored)


if __name__ == "__main__":
    main()
