"""How often is a request's task recognised by what had not seen it, and what do mistakes cost?

    python benchmarks/recogniser.py [--embedding hashed:4096] [--data FOLDER]

The shipped suites, under a map whose cheap model fails two of the tasks, so that mistakes can cost
quality: `small` clears every bar but extraction's and math_reasoning's, `large` clears all. Out of
fold by groups of near-duplicates, thresholds chosen without the fold they are judged on. Then the
same without any rule or template (`likeness alone`, no threshold) beside plain centroids and
nearest neighbours on the same vectors; prompts of others' collections, none of which was seen; and
the time of one decision.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from llmroute import Router
from llmroute.analysis.compare import compare
from llmroute.calibration.split import split_groups
from llmroute.embeddings import build_embedder
from llmroute.recogniser.corpus import own_match, read_suites
from llmroute.recogniser.fit import with_recogniser
from llmroute.recogniser.semantic import Semantic
from llmroute.recogniser.trials import Laboratory
from llmroute.records import (
    RECOGNISER_EMBEDDING,
    Confusion,
    Outcome,
    Outcomes,
    Price,
    QualityRule,
    RecognitionFigures,
    RoutingMap,
    Suite,
    Usage,
)
from llmroute.routing_map.choose import choose_routes
from llmroute.suites.load import load_suites

REPOSITORY = Path(__file__).resolve().parent.parent
REALDATA = Path(os.environ.get("LLMROUTE_REALDATA", REPOSITORY.parent / "shared" / "realdata"))
FAILED = ("extraction", "math_reasoning")
STRANGERS = {
    "routellm_mtbench": "questions of eight kinds, some within the tasks",
    "routerarena": "exam questions of many fields",
    "frugalgpt_headlines": "headlines to be classified",
    "routellm_gsm8k": "word problems: in scope, math_reasoning",
}
MAX_PROMPTS = 400


def make_map(suites: tuple[Suite, ...]) -> RoutingMap:
    """Small costs $0.20 for 1,000 requests, large $2."""
    rows = tuple(
        Outcome(s.task, f"s{i}", name, score=quality, answered=True, usage=Usage(1000, 0))
        for s in suites
        for name, quality in (("small", 0.4 if s.task in FAILED else 0.97), ("large", 1.0))
        for i in range(200)
    )
    prices = {"small": Price(0.2, 0.2), "large": Price(2.0, 2.0)}
    comparison = compare(Outcomes(rows), prices, QualityRule(), reference="large")
    return choose_routes(comparison, matches={suite.task: own_match(suite) for suite in suites})


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for row in (columns, *cells):
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def print_figures(routing_map: RoutingMap) -> None:
    fitted = routing_map.recogniser
    assert fitted
    n, threshold = sum(fitted.n_samples.values()), fitted.threshold
    print(
        f"{n} samples, {len(fitted.tasks)} tasks, {fitted.embedding}, threshold {threshold:.3f}\n"
    )
    columns = ("form", "right", "wrong", "unknown", "by rule", "below the bar", "$/1k more")
    print_table(columns, map(figures_row, fitted.figures))
    for one in fitted.out_of_scope:
        loss = "" if one.quality_loss is None else f", below the bar {one.quality_loss:.4f}"
        print(f"strangers, {one.kind}: {one.accepted:.3f} of {one.n} accepted{loss}")
    print("\nevery mistake")
    columns = ("form", "task", "taken for", "by", "n", "answered by", "below the bar", "$/1k more")
    print_table(columns, map(mistake_row, fitted.confusions))


def figures_row(one: RecognitionFigures) -> tuple[str, ...]:
    shares = (one.accuracy, abs(1 - one.accuracy - one.unknown), one.unknown, one.by_rule)
    loss, extra = f"{one.quality_loss:.4f}", one.extra_usd_per_1k
    return (one.form, *(f"{share:.3f}" for share in shares), loss, f"{extra or 0:+.3f}")


def mistake_row(one: Confusion) -> tuple[object, ...]:
    loss, extra = one.quality_loss, one.extra_usd_per_1k
    costs = ("?" if loss is None else f"{loss:.2f}", "?" if extra is None else f"{extra:+.2f}")
    return (one.form, one.task, one.recognised or "(unknown)", one.layer, one.n, one.model, *costs)


def print_rivals(laboratory: Laboratory) -> None:
    """Accuracy of likeness alone, no threshold, on the same folds and vectors."""
    samples = laboratory.corpus.samples
    tasks = np.array([known.task for known in samples])
    ids = [f"{known.task}/{known.id}" for known in samples]
    groups = laboratory.groups[: len(samples)]
    embedder = build_embedder(laboratory.embedding)
    forms = {
        form: embedder.embed([known.requests[form].read for known in samples])
        for form in ("prompt", "bare")
    }
    hits: Counter[tuple[str, str]] = Counter()
    for fold in split_groups(ids, groups):
        seen = np.concatenate([vectors[fold.train] for vectors in forms.values()])
        labels = np.concatenate([tasks[fold.train]] * len(forms))
        ridge = Semantic.fit(seen, list(labels), laboratory.embedding)
        names = np.array(ridge.tasks)
        centroids = np.stack([seen[labels == name].mean(axis=0) for name in names])
        centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
        for form, vectors in forms.items():
            test, truth = vectors[fold.test], tasks[fold.test]
            nearest = labels[np.argsort(-(test @ seen.T), axis=1)[:, :5]]
            votes = [Counter(row).most_common(1)[0][0] for row in nearest]
            hits["ridge", form] += int((names[ridge.score(test).argmax(axis=1)] == truth).sum())
            hits["centroids", form] += int(
                (names[(test @ centroids.T).argmax(axis=1)] == truth).sum()
            )
            hits["5 nearest", form] += int((np.array(votes) == truth).sum())
    print("\nlikeness alone   prompt   bare")
    for name in ("ridge", "centroids", "5 nearest"):
        shares = [hits[name, form] / len(samples) for form in forms]
        print(f"{name:15}  {shares[0]:.3f}    {shares[1]:.3f}")


def print_strangers(router: Router, folder: Path) -> None:
    print("\nothers' prompts        n  unknown  most taken for")
    for name, what in STRANGERS.items():
        path = folder / f"{name}.jsonl.gz"
        if not path.is_file():
            print(f"{name:20} left out: not at {folder} (LLMROUTE_REALDATA)")
            continue
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            prompts = [row["prompt"] for line in lines if (row := json.loads(line)).get("prompt")]
        rng = np.random.default_rng(0)
        drawn = [prompts[i] for i in rng.permutation(len(prompts))[:MAX_PROMPTS]]
        taken = Counter(one.task for one in router.decide_many(drawn))
        unknown = taken.pop(None, 0) / len(drawn)
        most = ", ".join(f"{task} {n / len(drawn):.2f}" for task, n in taken.most_common(3))
        print(f"{name:20} {len(drawn):3}    {unknown:.3f}  {most}   ({what})")


def print_times(router: Router) -> None:
    texts = {
        "a rule, 60 characters": "Solve for x and show every step: 3x + 4 = 10, please do.",
        "likeness, 90 characters": "A train covers 300 km in 3 hours and 120 km in 2 hours. "
        "How fast is it on average?",
        "likeness, 4,000 characters": "The report says that revenue grew by 3 percent. " * 84,
        "likeness, 1,000,000 characters": "word " * 200_000,
    }
    print("\none decision, median")
    for name, text in texts.items():
        took = []
        for i in range(60):
            start = time.perf_counter()
            router.decide(f"{text} {i}")
            took.append(time.perf_counter() - start)
        print(f"{name:32} {np.median(took) * 1000:6.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--embedding", default=RECOGNISER_EMBEDDING)
    parser.add_argument("--data", type=Path, default=REALDATA)
    options = parser.parse_args()
    suites = load_suites([REPOSITORY / "suites"])
    corpus = read_suites(suites)
    routing_map = with_recogniser(make_map(suites), corpus, embedding=options.embedding)
    print_figures(routing_map)
    print_rivals(Laboratory(corpus, {}, options.embedding))
    router = Router.of(routing_map)
    print_strangers(router, options.data)
    print_times(router)


if __name__ == "__main__":
    main()
