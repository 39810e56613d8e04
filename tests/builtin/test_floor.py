from __future__ import annotations

from pathlib import Path

import pytest

from llmroute.builtin import PROGRAMS
from llmroute.builtin.floor import measure_floors
from llmroute.records import Plugin, Sample, Suite
from llmroute.resources import shipped
from llmroute.scores.score import build_scorer, runs_code
from llmroute.suites.lint import lint_suite
from llmroute.suites.load import load_suite
from llmroute.suites.prompt import render_messages

SUITES = [p for p in sorted(shipped("suites").glob("*.yaml")) if load_suite(p).metrics]
SUMS = Suite(
    "sums",
    "arithmetic",
    (
        Sample("a", "What is 2 + 3?", 5),
        Sample("b", "What is 4 * 5?", 20),
        Sample("c", "Which prime follows 13 and 17?", 19),
    ),
    system="Solve. End with 'Answer: <number>'.",
    metrics=(Plugin("numeric"),),
)


def test_floor_is_the_mean_of_what_rules_score_by_task() -> None:
    assert measure_floors([SUMS]) == {"arithmetic": pytest.approx(2 / 3)}


def test_a_suite_whose_answers_would_be_run_has_no_floor() -> None:
    assert measure_floors([load_suite(shipped("suites") / "code_generation.yaml")]) == {}


def test_the_shipped_suites_are_looked_at() -> None:
    assert len(SUITES) >= 8


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_shipped_suite_has_no_errors_and_is_not_too_easy_for_rules(path: Path) -> None:
    suite = load_suite(path)
    found = lint_suite(suite, floor_quality=measure_floors([suite]).get(suite.task))
    assert [f for f in found if f.level == "error" or f.code == "too_easy"] == []


@pytest.mark.parametrize(
    "path", [p for p in SUITES if not runs_code(load_suite(p))], ids=lambda path: path.stem
)
def test_shipped_suite_is_not_cleared_by_copying_what_is_near(path: Path) -> None:
    suite = load_suite(path)
    scorer, program = build_scorer(suite), PROGRAMS.build("tfidf", {})
    scores = [
        scorer.score(sample, program.answer(render_messages(suite, sample), suite.labels)).value
        for sample in suite.samples
    ]
    assert suite.quality_threshold is not None
    assert sum(score or 0.0 for score in scores) / len(scores) < suite.quality_threshold.value


@pytest.mark.parametrize(
    ("name", "at_least"), [("classification", 0.25), ("extraction", 0.25), ("grounded_qa", 0.2)]
)
def test_rules_are_a_floor_worth_the_name(name: str, at_least: float) -> None:
    suite = load_suite(shipped("suites") / f"{name}.yaml")
    assert measure_floors([suite])[suite.task] > at_least
