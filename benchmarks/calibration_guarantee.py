"""Is the promised loss kept on other queries, and are shuffled labels refused?

    python benchmarks/calibration_guarantee.py [--splits 500] [--router tfidf] [--data FOLDER]

Each split cuts a recorded set at random in three, near-duplicates together.

- `proved`: the router is fitted on one third. The other two are its population: the threshold is
  certified on as many queries as one of them holds, drawn with replacement, and the truth is the
  population's. The promise may be broken in 5 % of the splits.
- `held_out`: fitted on the first third, certified on the second, looked at on the third.
- `out_of_fold`: what `calibrate` ships. Two thirds are scored out of fold and certified, the router
  is fitted again on both and looked at on the last.
- `+`: the promise is of the mean over that last third itself (`horizon`), for scores of 0 and 1.

`quality`: share of splits whose loss of mean quality, s̄ − r, is above the promise. `regret`: the
same of (s − w)+ over what went to the weak model, which is what is certified. A held-out third is a
sample of its own, on which a promise that holds may look broken; in `proved` it is not.

Shuffled: the outcomes are dealt to other prompts, everything is fitted anew, and the router should
not be shipped; nor should a cascade, whose answers stay with their prompts (`--cascade-shuffles`).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from llmroute.calibration.cascade import out_of_fold_escalation, shuffle_scores
from llmroute.calibration.controls import is_worth_shipping, shuffled_scores
from llmroute.calibration.outcomes import read_pair
from llmroute.calibration.pair import Pair
from llmroute.calibration.policy import Policy
from llmroute.calibration.risk import certify_threshold
from llmroute.calibration.split import grouped_folds, out_of_fold
from llmroute.calibration.worth import is_cascade_worth_shipping
from llmroute.cascades.answer_scorer import AnswerScorer
from llmroute.outcomes import read_outcomes
from llmroute.routers import build_router
from llmroute.routers.remember import remembering_texts

REPOSITORY = Path(__file__).resolve().parent.parent
REALDATA = Path(os.environ.get("LLMROUTE_REALDATA", REPOSITORY.parent / "shared" / "realdata"))
PAIRS = (
    ("routellm_gsm8k", "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"),
    ("zeroeval", "Meta-Llama-3.1-8B-Instruct", "gpt-4o-2024-08-06"),
    ("zeroeval", "claude-3-haiku-20240307", "claude-3-5-sonnet-20241022"),
    ("llmrouter_example", "qwen2.5-7b-instruct", "llama-3.1-nemotron-51b-instruct"),
)
LOSSES = (0.02, 0.05)


@dataclass(frozen=True)
class Kept:
    """What became of one promise."""

    basis: str
    promise: float
    to_weak: float
    regret: float
    quality_loss: float


def main() -> None:
    options = _options()
    for name, weak, strong in PAIRS:
        if options.only not in (None, name):
            continue
        path = options.data / f"{name}.jsonl.gz"
        pair = read_pair(read_outcomes([path]), weak, strong, prices={})
        print(
            f"{name}: {weak} / {strong}, {len(pair)} queries, router {options.router}", flush=True
        )
        kept = [
            row
            for seed in range(options.splits)
            for row in _split(pair, options.router, seed, refit=seed < options.refits)
        ]
        _print_table(kept)
        if options.shuffles:
            refused = _refused(pair, options.shuffles, options.router)
            print(f"  shuffled labels refused in {refused} of {options.shuffles} seeds", flush=True)
        if options.cascade_shuffles and pair.weak_answers:
            priced = replace(
                pair, weak_costs_usd=np.ones(len(pair)), strong_costs_usd=np.full(len(pair), 25.0)
            )
            refused = _cascades_refused(priced, options.cascade_shuffles, options.router)
            print(
                f"  cascades on shuffled labels refused in {refused} of {options.cascade_shuffles}"
                " seeds",
                flush=True,
            )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=500)
    parser.add_argument("--refits", type=int, default=100, help="splits of out_of_fold")
    parser.add_argument("--shuffles", type=int, default=100)
    parser.add_argument("--cascade-shuffles", type=int, default=100)
    parser.add_argument("--router", default="tfidf")
    parser.add_argument("--only", help="one recorded set")
    parser.add_argument("--data", type=Path, default=REALDATA)
    return parser.parse_args()


def _split(pair: Pair, name: str, seed: int, *, refit: bool) -> Iterator[Kept]:
    first, second, third = (pair.rows(fold.test) for fold in grouped_folds(pair, 3, seed))
    router = build_router(name).fit(first, seed=seed)
    pool = _joined(pair, second, third)
    scores = router.strong_win_rate(pool.queries)
    known, rest = scores[: len(second)], scores[len(second) :]
    drawn = np.random.default_rng(seed).integers(0, len(pool), len(second))
    sample = replace(pool.rows(drawn), groups=np.arange(drawn.size))
    binary = bool(np.isin(np.r_[pair.weak_scores, pair.strong_scores], (0.0, 1.0)).all())
    for loss in LOSSES:
        yield _kept("proved", loss, scores[drawn], sample, scores, pool)
        yield _kept("held_out", loss, known, second, rest, third)
        if binary:
            yield _kept("held_out+", loss, known, second, rest, third, len(third))
    if refit:
        both = _joined(pair, first, second)
        inside = out_of_fold(lambda: build_router(name), both, 5, seed)
        again = build_router(name).fit(both, seed=seed).strong_win_rate(third.queries)
        for loss in LOSSES:
            yield _kept("out_of_fold", loss, inside, both, again, third)
            if binary:
                yield _kept("out_of_fold+", loss, inside, both, again, third, len(third))


def _joined(pair: Pair, one: Pair, other: Pair) -> Pair:
    rows = {row_id: row for row, row_id in enumerate(pair.ids)}
    return pair.rows([rows[row_id] for row_id in one.ids + other.ids])


def _kept(
    basis: str,
    loss: float,
    scores: np.ndarray,
    known: Pair,
    others: np.ndarray,
    truth: Pair,
    horizon: int | None = None,
) -> Kept:
    threshold = certify_threshold(scores, known, loss, horizon=horizon).threshold
    to_weak = others < threshold
    regret, lost = np.maximum(truth.gaps, 0) * to_weak, truth.gaps * to_weak
    return Kept(basis, loss, *(float(column.mean()) for column in (to_weak, regret, lost)))


def _print_table(kept: list[Kept]) -> None:
    for basis, promise in dict.fromkeys((row.basis, row.promise) for row in kept):
        rows = [row for row in kept if (row.basis, row.promise) == (basis, promise)]
        quality = np.mean([row.quality_loss > promise for row in rows])
        regret = np.mean([row.regret > promise for row in rows])
        print(
            f"  {basis:<12} promise {promise:.2f}  broken: quality {quality:5.1%} regret"
            f" {regret:5.1%}  to weak {np.mean([row.to_weak for row in rows]):5.1%}  mean loss"
            f" {np.mean([row.quality_loss for row in rows]):+.4f}, regret"
            f" {np.mean([row.regret for row in rows]):.4f}  ({len(rows)} splits)",
            flush=True,
        )


def _refused(pair: Pair, seeds: int, router: str) -> int:
    def refit(some: Pair) -> np.ndarray:
        return out_of_fold(lambda: build_router(router), some)

    refused = 0
    for seed in range(seeds):
        scores, shuffled = shuffled_scores(refit, pair, seed)
        refused += not is_worth_shipping(scores, shuffled, seed=seed).shipped
    return refused


def _cascades_refused(pair: Pair, seeds: int, router: str) -> int:
    refused = 0
    for seed in range(seeds):
        shuffled = shuffle_scores(pair, seed)
        with remembering_texts():
            scores = out_of_fold_escalation(AnswerScorer, shuffled, seed=seed)
            rates = out_of_fold(lambda: build_router(router), shuffled, seed=seed)
        policy = Policy.cascade(scores, shuffled)
        refused += not is_cascade_worth_shipping(policy, rates, shuffled, seed=seed).shipped
    return refused


if __name__ == "__main__":
    main()
