"""How much of the strong model's advantage do query routers keep, on real outcomes?

    python benchmarks/routers.py [--data FOLDER] [--sets NAME ...] [--seeds 3]

5-fold out-of-fold scores, folds grouped by near-duplicate prompts, 3 seeds. Each row: APGR (mean ±
sd over seeds), its paired difference from the task map with a 95 % bootstrap interval over groups
(seed 0, ranks within folds), and CPU seconds a fit. LLMROUTE_MINILM names the folder of a sentence
model; without it no row uses one. Nothing is tuned on these folds: penalties are fixed by
principle, and `auto` chooses inside each training fold. RouteLLM's best published figure on its
GSM8K file is .622, from a router that saw no GSM8K labels; these saw some.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from llmroute.calibration.curve import Sweep
from llmroute.calibration.groups import near_duplicate_groups
from llmroute.calibration.pair import Floats, Pair, Query
from llmroute.calibration.split import grouped_folds, out_of_fold
from llmroute.calibration.summary import apgr
from llmroute.routers import build_router
from llmroute.routers.auto import fold_ranks
from llmroute.routers.qualities import Qualities
from llmroute.routers.remember import remembering_texts

REPOSITORY = Path(__file__).resolve().parent.parent
REALDATA = Path(os.environ.get("LLMROUTE_REALDATA", REPOSITORY.parent / "shared" / "realdata"))
SETS = {
    "routellm_gsm8k": (
        "routellm_gsm8k",
        "mistralai/Mixtral-8x7B-Instruct-v0.1",
        "gpt-4-1106-preview",
    ),
    "zeroeval_llama": ("zeroeval", "Meta-Llama-3.1-8B-Instruct", "gpt-4o-2024-08-06"),
    "zeroeval_haiku": ("zeroeval", "claude-3-haiku-20240307", "claude-3-5-sonnet-20241022"),
}
ROUTERS = (
    "random",
    "length",
    "rules",
    "task_map",
    "tfidf",
    "knn",
    "sw_ranking",
    "mf",
    "gbt",
    "auto",
)
EMBEDDED = ("embedding", "knn", "sw_ranking", "mf", "gbt")
BOOTSTRAP = 2000


def read_rows(file: str, data: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(data / f"{file}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def read_pair(file: str, weak: str, strong: str, data: Path) -> Pair:
    rows = [
        row
        for row in read_rows(file, data)
        if row["prompt"] and all(row["models"][m]["score"] is not None for m in (weak, strong))
    ]
    unknown = np.full(len(rows), np.nan)
    return Pair(
        weak,
        strong,
        tuple(row["id"] for row in rows),
        tuple(Query(row["prompt"], row["task"]) for row in rows),
        np.array([row["models"][weak]["score"] for row in rows]),
        np.array([row["models"][strong]["score"] for row in rows]),
        unknown,
        unknown,
        near_duplicate_groups([row["prompt"] for row in rows]),
    )


def worth(scores: Floats, pair: Pair, seed: int) -> Floats:
    """Each row's part of the APGR, ranked within folds."""
    ranks = fold_ranks(scores, grouped_folds(pair, 5, seed))
    return 0.5 + pair.gaps * (ranks - 0.5) / pair.gaps.mean()


def interval(values: Floats, pair: Pair) -> tuple[float, float]:
    """95 % bootstrap interval of a mean over groups."""
    _, place = np.unique(pair.groups, return_inverse=True)
    sums, sizes = np.bincount(place, values), np.bincount(place)
    random = np.random.default_rng(0)
    drawn = random.integers(0, len(sums), (BOOTSTRAP, len(sums)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    return tuple(np.quantile(means, [0.025, 0.975]).tolist())


def show(
    name: str, params: dict[str, Any], pair: Pair, seeds: int, control: Floats | None
) -> Floats:
    areas, within = [], []
    first = np.zeros(len(pair))
    started = time.process_time()
    for seed in range(seeds):
        scores = out_of_fold(lambda: build_router(name, params), pair, 5, seed)
        areas.append(float(apgr(Sweep.of(scores, pair).whole())[0]))
        mine = worth(scores, pair, seed)
        within.append(float(mine.mean()))
        first = mine if seed == 0 else first
    cpu_s = (time.process_time() - started) / seeds / 5
    shown = f"{name} +MiniLM" if params else name
    line = (
        f"  {shown:20s} APGR {np.mean(areas):.4f} ±{np.std(areas):.4f}"
        f"  within folds {np.mean(within):.4f}"
    )
    if control is not None:
        low, high = interval(first - control, pair)
        difference = float((first - control).mean())
        line += f"  − task map {difference:+.4f} [{low:+.4f}, {high:+.4f}]"
    print(f"{line}  {cpu_s:.2f} s a fit", flush=True)
    return first


def show_pair(name: str, data: Path, seeds: int, folder: str | None) -> None:
    pair = read_pair(*SETS[name], data)
    n_groups = len(np.unique(pair.groups))
    print(f"\n{name}: {len(pair)} prompts in {n_groups} groups, {pair.weak} → {pair.strong}")
    control = show("task_map", {}, pair, seeds, None)
    for router in ROUTERS:
        if router != "task_map":
            show(router, {}, pair, seeds, control)
    for router in EMBEDDED if folder else ():
        show(router, {"embedding": f"local:{folder}"}, pair, seeds, control)


def show_many(data: Path) -> None:
    """Nine models: quality of the per-query argmax beside the best single model and task map."""
    rows = list(read_rows("llmrouter_example", data))
    models = sorted(rows[0]["models"])
    scores = np.array([[row["models"][m]["score"] for m in models] for row in rows], np.float64)
    queries = tuple(Query(row["prompt"], row["task"]) for row in rows)
    groups = near_duplicate_groups([row["prompt"] for row in rows])
    unknown = np.full(len(rows), np.nan)
    ids = tuple(row["id"] for row in rows)
    pair = Pair("", "", ids, queries, scores[:, 0], scores[:, 1], unknown, unknown, groups)
    chosen, mapped, single = (np.zeros(len(rows)) for _ in range(3))
    started = time.process_time()
    for fold in grouped_folds(pair, 5, 0):
        train, test = fold.train, fold.test
        learned = Qualities().fit([queries[i] for i in train], scores[train], models)
        expected = learned.expected_scores([queries[i] for i in test])
        chosen[test] = scores[test, expected.argmax(axis=1)]
        single[test] = scores[test, scores[train].mean(axis=0).argmax()]
        for task in {query.task for query in queries}:
            of = np.array([query.task == task for query in queries])
            best = scores[train][of[train]].mean(axis=0).argmax()
            rows_of = test[of[test]]
            mapped[rows_of] = scores[rows_of, best]
    print(f"\nllmrouter_example: {len(rows)} prompts, {len(models)} models, λ = 0")
    print(f"  best single {single.mean():.4f}   task map {mapped.mean():.4f}", end="")
    print(f"   argmax {chosen.mean():.4f}   best of all {scores.max(axis=1).mean():.4f}")
    for name, other in (("best single", single), ("task map", mapped)):
        low, high = interval(chosen - other, pair)
        print(f"  argmax − {name}: {(chosen - other).mean():+.4f} [{low:+.4f}, {high:+.4f}]")
    print(f"  {(time.process_time() - started) / 5:.1f} CPU s a fit of {len(models)} models")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=REALDATA)
    parser.add_argument("--sets", nargs="*", default=[*SETS, "llmrouter_example"])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args(arguments)
    folder = os.environ.get("LLMROUTE_MINILM")
    with remembering_texts():
        for name in options.sets:
            if name in SETS:
                show_pair(name, options.data, options.seeds, folder)
            else:
                show_many(options.data)


if __name__ == "__main__":
    main()
