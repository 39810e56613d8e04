"""Seeded regressions are found, and harmless changes pass without a word.

Each case takes recorded outcomes of real models, changes them, and holds the two maps against each
other with the gate as it is set by default.
"""

from __future__ import annotations

import copy
import gzip
import json
import os
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmroute.analysis.compare import compare
from llmroute.outcomes.files import read_outcomes
from llmroute.pipeline import gate
from llmroute.records import (
    Gate,
    GateResult,
    Interval,
    Price,
    Provenance,
    QualityRule,
    QualityThreshold,
    QueryRouter,
    RoutingMap,
    TaskLimits,
)
from llmroute.routing_map.choose import choose_routes
from llmroute.routing_map.file import map_to_json, map_to_yaml

REALDATA = Path(
    os.environ.get("LLMROUTE_REALDATA", Path(__file__).resolve().parents[3] / "shared" / "realdata")
)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LLAMA, FLASH, MINI, GPT4O, O1 = (
    "Meta-Llama-3.1-8B-Instruct",
    "gemini-1.5-flash",
    "gpt-4o-mini-2024-07-18",
    "gpt-4o-2024-08-06",
    "o1-mini-2024-09-12",
)
HAIKU, GEMINI = "claude-3-haiku-20240307", "gemini-2.0-flash-001"
PRICES = {
    LLAMA: Price(0.03, 0.05), FLASH: Price(0.075, 0.3), MINI: Price(0.15, 0.6),
    GPT4O: Price(2.5, 10.0), O1: Price(3.0, 12.0), HAIKU: Price(0.25, 1.25),
    GEMINI: Price(0.1, 0.4), "gpt-4-1106-preview": Price(10.0, 30.0),
    "mistralai/Mixtral-8x7B-Instruct-v0.1": Price(0.6, 0.6),
}  # fmt: skip
LAST_WEEK = Provenance(run_id="r1", oldest_answer="2026-11-20T12:00:00Z")
MONTH = Gate(max_age_days=30)
Row = dict[str, Any]


@dataclass
class World:
    """Outcomes, and what a map is made of them by; changed in place by a case."""

    rows: list[Row]
    bar: float = 0.70
    rule: QualityRule = field(default_factory=QualityRule)
    prices: dict[str, Price] = field(default_factory=lambda: dict(PRICES))
    reference: str | None = None
    models: dict[str, str] = field(default_factory=dict)
    """Candidate → model id, where it is not its name."""
    suites: dict[str, str] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()
    provenance: Provenance = LAST_WEEK
    with_outcomes: bool = True
    form: str = "yaml"
    edit_map: Callable[[RoutingMap], RoutingMap] = lambda routing_map: routing_map
    edit_text: Callable[[str], str] = lambda text: text

    @property
    def tasks(self) -> list[str]:
        return list(dict.fromkeys(row["task"] for row in self.rows))

    def of_task(self, *tasks: str) -> Iterable[Row]:
        return (row for row in self.rows if row["task"] in tasks or not tasks)

    def write(self, folder: Path) -> Path:
        """The map, and its outcomes beside it."""
        folder.mkdir(parents=True)
        outcomes = folder / "outcomes.jsonl"
        outcomes.write_text("".join(json.dumps(row) + "\n" for row in self.rows))
        names = list(dict.fromkeys(name for row in self.rows for name in row["models"]))
        routing_map = self._make(outcomes, names)
        if not self.with_outcomes:
            outcomes.unlink()
        path = folder / f"routing-map.{self.form}"
        text = map_to_yaml(routing_map) if self.form == "yaml" else map_to_json(routing_map)
        path.write_text(self.edit_text(text), encoding="utf-8")
        return path

    def _make(self, outcomes: Path, names: list[str]) -> RoutingMap:
        rule = replace(self.rule, threshold=QualityThreshold(self.bar))
        comparison = compare(read_outcomes([outcomes]), self.prices, rule, reference=self.reference)
        candidates = {
            name: {
                "model": self.models.get(name, name),
                **({"price": _price(self.prices[name])} if name in self.prices else {}),
            }
            for name in names
        }
        suites = {task: self.suites.get(task, "a" * 64) for task in self.tasks}
        limits = {task: TaskLimits(excluded=self.excluded) for task in self.tasks}
        return self.edit_map(
            choose_routes(
                comparison,
                limits=limits if self.excluded else None,
                provenance=replace(self.provenance, candidates=candidates, suites=suites),
            )
        )


def _price(price: Price) -> dict[str, Any]:
    return {
        "input_usd_per_mtok": price.input_usd_per_mtok,
        "output_usd_per_mtok": price.output_usd_per_mtok,
    }


def read_rows(name: str) -> list[Row]:
    if not REALDATA.is_dir():
        pytest.skip("the recorded outcomes are not here (LLMROUTE_REALDATA)")
    with gzip.open(REALDATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _slim(row: Row, models: Iterable[str], task: str | None = None) -> Row:
    kept = ("score", "prompt_tokens", "completion_tokens")
    return {
        "id": row["id"],
        "task": task or row["task"],
        "prompt": str(row["prompt"])[-120:],
        "models": {m: {key: row["models"][m][key] for key in kept} for m in models},
    }


@cache
def _zeroeval() -> list[Row]:
    """240 prompts of each of three tasks, five models."""
    rows = read_rows("zeroeval")
    return [
        _slim(row, (LLAMA, FLASH, MINI, GPT4O, O1))
        for task in ("gsm", "math-l5", "crux")
        for row in [row for row in rows if row["task"] == task][:300]
    ]


@cache
def _arena() -> list[Row]:
    """809 prompts of RouterArena with counted tokens, as one task; two models."""
    return [_slim(row, (HAIKU, GEMINI), "arena") for row in read_rows("routerarena")]


@cache
def _mtbench() -> list[Row]:
    """80 questions of MT-Bench with grades in [0, 1]; two models."""
    pair = ("gpt-4-1106-preview", "mistralai/Mixtral-8x7B-Instruct-v0.1")
    return [_slim(row, pair, "chat") for row in read_rows("routellm_mtbench")]


def zeroeval() -> World:
    rows = _zeroeval()
    first = [row for task in ("gsm", "math-l5", "crux") for row in _of(rows, task)[:240]]
    return World(copy.deepcopy(first), reference=O1)


def zeroeval_more(task: str) -> list[Row]:
    """60 further prompts of a task."""
    return copy.deepcopy(_of(_zeroeval(), task)[240:])


def _of(rows: list[Row], task: str) -> list[Row]:
    return [row for row in rows if row["task"] == task]


def arena() -> World:
    return World(copy.deepcopy(_arena()), bar=0.5, reference=HAIKU)


def mtbench() -> World:
    return World(copy.deepcopy(_mtbench()), bar=0.7, reference="gpt-4-1106-preview")


FLIPS = 0.08
"""Share of scores that another run changes; of the repeats in `repeated_rows`, 82 of 1,071."""


def rerun(world: World, seed: int, flips: float = FLIPS) -> None:
    """Scores as another run of the same models gives them: some flip, no model's mean moves."""
    rng = np.random.default_rng(seed)
    for task in world.tasks:
        rows = list(world.of_task(task))
        for name in rows[0]["models"]:
            scores = np.array([row["models"][name]["score"] for row in rows])
            for row, score in zip(rows, _again(scores, flips, rng), strict=True):
                row["models"][name]["score"] = float(score)


def _again(scores: np.ndarray, flips: float, rng: np.random.Generator) -> np.ndarray:
    mean = scores.mean()
    if not 0 < mean < 1:
        return scores
    chance = np.where(scores == 1, flips / (2 * mean), flips / (2 * (1 - mean)))
    return np.where(rng.random(scores.size) < chance, 1 - scores, scores)


def repeated_rows() -> tuple[list[Row], list[Row]]:
    """119 prompts that LLMRouter's file holds twice, each time with answers of its own."""
    by_prompt: dict[tuple[str, str], list[Row]] = {}
    for row in read_rows("llmrouter_example"):
        by_prompt.setdefault((row["task"], row["prompt"]), []).append(row)
    pairs = [rows for rows in by_prompt.values() if len(rows) == 2]
    first = [_slim(a, a["models"], "repeated") for a, _ in pairs]
    second = [{**_slim(b, b["models"], "repeated"), "id": a["id"]} for a, b in pairs]
    return first, second


def check(before: World, after: World, folder: Path) -> GateResult:
    """The gate's answer to `after`, with `before` as its previous map."""
    first, second = before.write(folder / "before"), after.write(folder / "after")
    return gate(second, first, MONTH, NOW)


# -- regressions ----------------------------------------------------------------------------------

Case = Callable[[World, World], None]


def answers_get_worse(after: World, model: str, task: str, share: float, seed: int = 0) -> None:
    """A share of the model's right answers to the task is wrong now."""
    rng = random.Random(seed)
    for row in after.of_task(task):
        result = row["models"][model]
        if result["score"] and rng.random() < share:
            result["score"] = 0.0


def the_route_fails_now(before: World, after: World) -> None:
    answers_get_worse(after, LLAMA, "gsm", 0.25)


def the_route_answers_worse_but_clears(before: World, after: World) -> None:
    answers_get_worse(after, O1, "math-l5", 0.08)


def grades_are_lower(before: World, after: World) -> None:
    """Every second answer's grade is a tenth lower; the mean still clears."""
    for row in list(after.rows)[::2]:
        for result in row["models"].values():
            if result["score"] is not None:
                result["score"] *= 0.9


def quality_fell_and_no_outcomes_are_kept(before: World, after: World) -> None:
    before.with_outcomes = False
    answers_get_worse(after, O1, "math-l5", 0.12)


def a_cheaper_model_answers_surely_worse(before: World, after: World) -> None:
    for row in before.rows:
        del row["models"][LLAMA]


def the_route_costs_twice_as_much(before: World, after: World) -> None:
    after.prices[O1] = Price(6.0, 24.0)


def answers_are_longer(before: World, after: World) -> None:
    for row in after.rows:
        for result in row["models"].values():
            if result["completion_tokens"] is not None:
                result["completion_tokens"] *= 2


def the_route_has_no_price_now(before: World, after: World) -> None:
    del after.prices[LLAMA]


def the_price_of_a_fallback_trebled(before: World, after: World) -> None:
    after.prices[GPT4O] = Price(7.5, 30.0)


def the_provider_was_down(before: World, after: World) -> None:
    for row in list(after.rows)[::5]:
        row["models"][O1] = {"score": None, "failure": "server_error", "answered": False}


def a_cheap_rival_was_hardly_asked(before: World, after: World) -> None:
    for row in list(after.of_task("gsm"))[::10]:
        row["models"][FLASH] = {"score": None, "failure": "timed_out", "answered": False}


def half_the_samples_are_gone(before: World, after: World) -> None:
    after.rows = list(after.rows)[::2]


def the_evidence_is_old(before: World, after: World) -> None:
    after.provenance = Provenance(run_id="r2", oldest_answer="2026-10-01T00:00:00Z")


def the_age_of_the_evidence_is_not_known(before: World, after: World) -> None:
    after.provenance = Provenance()


def a_task_is_gone(before: World, after: World) -> None:
    after.rows = list(after.of_task("gsm", "math-l5"))


def the_bar_was_lowered(before: World, after: World) -> None:
    after.bar = 0.65


def less_evidence_is_asked_for(before: World, after: World) -> None:
    after.rule = QualityRule(evidence="mean")


def the_margin_was_widened(before: World, after: World) -> None:
    after.rule = QualityRule(margin=0.2)


def nothing_clears_any_more(before: World, after: World) -> None:
    for model in (LLAMA, FLASH, MINI, GPT4O, O1):
        answers_get_worse(after, model, "crux", 0.4)


def the_route_is_no_candidate_any_more(before: World, after: World) -> None:
    for row in after.rows:
        del row["models"][LLAMA]


def the_route_is_excluded(before: World, after: World) -> None:
    after.excluded = (LLAMA,)


def the_suite_was_edited(before: World, after: World) -> None:
    after.suites["gsm"] = "b" * 64


def another_model_bears_the_name(before: World, after: World) -> None:
    after.models[O1] = "openai/o1-nano"


def the_reference_is_another(before: World, after: World) -> None:
    after.reference = GPT4O


def with_router(routing_map: RoutingMap) -> RoutingMap:
    share = Interval(0.3, 0.28, 0.32)
    router = QueryRouter("tfidf", "r.json", "0" * 64, LLAMA, GPT4O, 0.5, share, share)
    return replace(routing_map, query_router=router)


def the_query_router_is_gone(before: World, after: World) -> None:
    before.edit_map = with_router


REGRESSIONS: list[tuple[Callable[[], World], Case, str, str]] = [
    (zeroeval, the_route_fails_now, "route_changed", "error"),
    (zeroeval, the_route_answers_worse_but_clears, "quality_fell", "error"),
    (mtbench, grades_are_lower, "quality_fell", "error"),
    (zeroeval, quality_fell_and_no_outcomes_are_kept, "quality_fell", "error"),
    (zeroeval, a_cheaper_model_answers_surely_worse, "quality_fell", "error"),
    (zeroeval, the_route_costs_twice_as_much, "cost_rose", "error"),
    (arena, answers_are_longer, "cost_rose", "error"),
    (zeroeval, the_route_has_no_price_now, "route_changed", "error"),
    (zeroeval, the_price_of_a_fallback_trebled, "price_moved", "warn"),
    (zeroeval, the_provider_was_down, "coverage_lost", "error"),
    (zeroeval, a_cheap_rival_was_hardly_asked, "coverage_lost", "error"),
    (zeroeval, half_the_samples_are_gone, "coverage_lost", "error"),
    (zeroeval, the_evidence_is_old, "evidence_age", "error"),
    (zeroeval, the_age_of_the_evidence_is_not_known, "evidence_age", "error"),
    (zeroeval, a_task_is_gone, "task_removed", "error"),
    (zeroeval, the_bar_was_lowered, "threshold_lowered", "error"),
    (zeroeval, less_evidence_is_asked_for, "threshold_lowered", "error"),
    (zeroeval, the_margin_was_widened, "threshold_lowered", "error"),
    (zeroeval, nothing_clears_any_more, "bar_missed", "error"),
    (zeroeval, the_route_is_no_candidate_any_more, "route_changed", "error"),
    (zeroeval, the_route_is_excluded, "route_changed", "error"),
    (zeroeval, the_suite_was_edited, "suite_changed", "warn"),
    (zeroeval, another_model_bears_the_name, "candidate_changed", "warn"),
    (zeroeval, the_reference_is_another, "reference_changed", "warn"),
    (zeroeval, the_query_router_is_gone, "router_changed", "warn"),
]


@pytest.mark.parametrize(
    ("world", "case", "rule", "level"), REGRESSIONS, ids=lambda v: getattr(v, "__name__", None)
)
def test_a_regression_is_found(
    world: Callable[[], World], case: Case, rule: str, level: str, tmp_path: Path
) -> None:
    before, after = world(), world()
    case(before, after)
    result = check(before, after, tmp_path)
    found = {finding.rule: finding.level for finding in result.findings}
    assert found.get(rule) == level, result.findings
    assert result.passed == (level == "warn")
    assert all(finding.why for finding in result.findings)


# -- harmless changes -----------------------------------------------------------------------------


def nothing(before: World, after: World) -> None:
    pass


def rows_in_another_order(before: World, after: World) -> None:
    random.Random(1).shuffle(after.rows)


def candidates_in_another_order(before: World, after: World) -> None:
    for row in after.rows:
        row["models"] = dict(reversed(row["models"].items()))


def the_map_as_json(before: World, after: World) -> None:
    before.form = "json"


def comments_and_spaces_in_the_file(before: World, after: World) -> None:
    after.edit_text = lambda text: "# ours\n" + text.replace("tasks:", "tasks:   # by suite\n")


def another_task_is_mapped_too(before: World, after: World) -> None:
    before.rows = list(before.of_task("gsm", "crux"))


def a_dearer_candidate_is_compared_too(before: World, after: World) -> None:
    for row in before.rows:
        del row["models"][GPT4O]


def a_candidate_that_fails_is_compared_too(before: World, after: World) -> None:
    for row in before.rows:
        del row["models"][FLASH]
    for row in after.of_task("gsm"):
        row["models"][FLASH]["score"] = 0.0


def prices_within_tolerance(before: World, after: World) -> None:
    after.prices[O1] = Price(3.0 * 1.04, 12.0 * 1.04)
    after.prices[LLAMA] = Price(0.03 * 0.97, 0.05 * 0.97)


def more_samples(before: World, after: World) -> None:
    after.rows += zeroeval_more("gsm")


def a_higher_bar_the_same_routes_clear(before: World, after: World) -> None:
    after.bar = 0.71


def more_evidence_is_asked_for(before: World, after: World) -> None:
    after.rule = QualityRule(margin=0.045)


def fresh_evidence(before: World, after: World) -> None:
    after.provenance = Provenance(run_id="r2", oldest_answer="2026-11-24T00:00:00Z", seed=7)


def answers_took_longer(before: World, after: World) -> None:
    for world, latency_s in ((before, 0.5), (after, 0.9)):
        for row in world.rows:
            for result in row["models"].values():
                result["latency_s"] = latency_s


def another_note(before: World, after: World) -> None:
    after.edit_map = lambda routing_map: replace(routing_map, notes=("Few samples.",))


def a_query_router_is_new(before: World, after: World) -> None:
    after.edit_map = with_router


def answers_of_other_lengths(before: World, after: World) -> None:
    """Each answer is up to a third shorter or longer than it was, as sampling makes them."""
    rng = random.Random(2)
    for row in after.rows:
        for result in row["models"].values():
            if result["completion_tokens"] is not None:
                result["completion_tokens"] = int(
                    result["completion_tokens"] * rng.uniform(0.67, 1.33)
                )


def grades_move_both_ways(before: World, after: World) -> None:
    rng = random.Random(3)
    for row in after.rows:
        for result in row["models"].values():
            if (score := result["score"]) is not None:
                result["score"] += min(0.1, score, 1 - score) * rng.choice((-1, 0, 1))


def another_run(seed: int) -> Case:
    def case(before: World, after: World) -> None:
        rerun(after, seed)

    case.__name__ = f"another_run_{seed}"
    return case


def another_run_without_outcomes(before: World, after: World) -> None:
    before.with_outcomes = False
    rerun(after, 11)


def repeats_of_real_models(before: World, after: World) -> None:
    """No simulation: the same prompts, answered twice by the same nine models."""
    for world, rows in zip((before, after), repeated_rows(), strict=True):
        world.rows, world.reference, world.bar = rows, None, 0.25
        world.prices = {
            name: Price(i + 1.0, i + 1.0) for i, name in enumerate(sorted(rows[0]["models"]))
        }
        world.reference = "llama-3.1-nemotron-51b-instruct"


HARMLESS: list[tuple[Callable[[], World], Case]] = [
    (zeroeval, nothing),
    (zeroeval, rows_in_another_order),
    (zeroeval, candidates_in_another_order),
    (zeroeval, the_map_as_json),
    (zeroeval, comments_and_spaces_in_the_file),
    (zeroeval, another_task_is_mapped_too),
    (zeroeval, a_dearer_candidate_is_compared_too),
    (zeroeval, a_candidate_that_fails_is_compared_too),
    (zeroeval, prices_within_tolerance),
    (zeroeval, more_samples),
    (zeroeval, a_higher_bar_the_same_routes_clear),
    (zeroeval, more_evidence_is_asked_for),
    (zeroeval, fresh_evidence),
    (zeroeval, answers_took_longer),
    (zeroeval, another_note),
    (zeroeval, a_query_router_is_new),
    (arena, answers_of_other_lengths),
    (mtbench, grades_move_both_ways),
    *((zeroeval, another_run(seed)) for seed in range(6)),
    (zeroeval, another_run_without_outcomes),
    (zeroeval, repeats_of_real_models),
]


@pytest.mark.parametrize(("world", "case"), HARMLESS, ids=lambda v: getattr(v, "__name__", None))
def test_a_harmless_change_passes_without_a_word(
    world: Callable[[], World], case: Case, tmp_path: Path
) -> None:
    before, after = world(), world()
    case(before, after)
    result = check(before, after, tmp_path)
    assert result.findings == ()
    assert result.change.notes == ()


def test_the_repeats_flip_as_many_scores_as_the_simulated_runs_do() -> None:
    first, second = repeated_rows()
    flipped = [
        a["models"][name]["score"] != b["models"][name]["score"]
        for a, b in zip(first, second, strict=True)
        for name in a["models"]
    ]
    assert (sum(flipped), len(flipped)) == (82, 1071)
    assert sum(flipped) / len(flipped) <= FLIPS
