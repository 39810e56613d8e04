from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from llmroute.analysis.compare import TaskRules, compare
from llmroute.analysis.judging import judge_tasks
from llmroute.records import Outcome, Outcomes, Price, QualityRule, QualityThreshold, Usage

PRICES = {"cheap": Price(0.1, 0.4), "dear": Price(3.0, 15.0)}
RULE = QualityRule(QualityThreshold(0.8))


def judged(
    n: int = 300,
    *,
    quality: tuple[float, float] = (0.95, 0.97),
    n_labels: int = 0,
    q1: float = 0.95,
    q0: float = 0.9,
    seed: int = 0,
    flipped: float | None = None,
) -> Outcomes:
    """Two candidates' answers, right with the given chances, and the first ones labelled."""
    rng = np.random.default_rng(seed)
    rows = []
    for name, share in zip(("cheap", "dear"), quality, strict=True):
        truth = rng.random(n) < share
        verdicts = np.where(truth, rng.random(n) < q1, rng.random(n) >= q0)
        turned = {} if flipped is None else {"flipped": flipped}
        rows += [
            Outcome(
                "mail",
                f"q{i}",
                name,
                score=float(verdicts[i]),
                answered=True,
                usage=Usage(100, 50),
                judge="openai/judge",
                rubric="correctness",
                parts={"correct": float(verdicts[i]), **turned},
                labels={"ann": float(truth[i])} if i < n_labels else {},
            )
            for i in range(n)
        ]
    return Outcomes(tuple(rows))


def cells(outcomes: Outcomes, rule: QualityRule = RULE, **options):
    (task,) = compare(outcomes, PRICES, rule, **options).tasks
    return {cell.candidate: cell for cell in task.cells}


def test_a_metric_has_no_judge() -> None:
    outcomes = judged()
    rows = tuple(replace(row, judge=None) for row in outcomes.rows)
    found = cells(Outcomes(rows))["cheap"]
    assert (found.judge, found.verdict) == (None, "proven")


def test_an_uncalibrated_judge_proves_nothing() -> None:
    found = cells(judged())["cheap"]
    assert found.verdict == "likely"
    assert found.reason.endswith("by an uncalibrated judge, which proves nothing")
    assert found.judge.calibrated is False
    assert found.judge.reason == "none of the 50 answers are labelled that it takes"
    assert (found.judge.judges, found.judge.rubric) == (("openai/judge",), "correctness")
    assert found.judged_quality is None


def test_fewer_labels_than_it_takes_leave_the_judge_uncalibrated() -> None:
    found = cells(judged(n_labels=24))["cheap"]
    assert (found.verdict, found.judge.calibrated, found.judge.n_labels) == ("likely", False, 48)
    assert found.judge.reason == "48 of the 50 answers are labelled that it takes"
    fewer = cells(judged(n_labels=24), replace(RULE, min_labels=48))["cheap"]
    assert fewer.judge.calibrated is True


def test_labels_correct_the_quality_and_its_bounds() -> None:
    outcomes = judged(n_labels=60, q1=0.99, q0=0.3, quality=(0.7, 0.97))
    cheap = cells(outcomes)["cheap"]
    assert cheap.judged_quality > 0.85  # the judge lets most wrong answers pass
    assert cheap.quality == pytest.approx(0.7, abs=0.1)
    assert cheap.quality_low < cheap.quality < cheap.quality_high
    assert cheap.verdict == "fails"
    assert "corrected by 60 labels" in cheap.reason
    assert (cheap.judge.calibrated, cheap.judge.correction) == (True, "ppi")
    naive = cells(judged(q1=0.99, q0=0.3, quality=(0.7, 0.97)))["cheap"]
    assert naive.verdict == "likely"  # what it would have been without a label


def test_a_calibrated_judge_can_prove() -> None:
    found = cells(judged(n_labels=100, quality=(0.98, 0.99)))["cheap"]
    assert (found.verdict, found.judge.calibrated) == ("proven", True)
    assert found.judge.reason == "corrected by 100 of its own labels"


def test_no_number_of_samples_settles_what_labels_must() -> None:
    found = cells(judged(60, n_labels=30, quality=(0.82, 0.9)), RULE)["cheap"]
    assert found.verdict in ("undecided", "likely", "fails")
    assert found.samples_needed is None


def test_a_judge_that_turns_with_the_order_is_unfit() -> None:
    found = cells(judged(flipped=0.34))["cheap"]
    assert found.verdict == "undecided"
    assert "the judge is unfit: 34%" in found.reason
    assert "turn when the answers change places" in found.reason
    assert cells(judged(flipped=0.1))["cheap"].verdict == "likely"


def test_a_relative_bar_is_tested_on_corrected_bounds_of_both() -> None:
    rule = QualityRule(QualityThreshold(0.9, "best"))
    outcomes = judged(n_labels=120, quality=(0.93, 0.95))
    found = cells(outcomes, rule)["cheap"]
    assert found.difference is None  # nothing is paired any more
    assert found.verdict in ("proven", "likely")
    assert found.judge.calibrated
    assert cells(judged(quality=(0.93, 0.95)), rule)["cheap"].verdict == "likely"


def test_unreadable_verdicts_are_missing_scores_and_counted() -> None:
    rows = list(judged().rows)
    for i in range(30):
        rows[i] = replace(
            rows[i], score=None, parts={}, reason="not_scored: unreadable verdict of x: no JSON"
        )
    found = cells(Outcomes(tuple(rows)))["cheap"]
    assert found.coverage == pytest.approx(0.9)
    assert found.verdict == "undecided"
    assert found.judge.unreadable_share == pytest.approx(30 / 600)


def test_agreement_with_the_labels_stands_in_the_evidence() -> None:
    outcomes = judged(n_labels=60, quality=(0.6, 0.7))
    labelled = [row for row in outcomes.rows if row.labels]
    both = [replace(row, labels={**row.labels, "bob": row.labels["ann"]}) for row in labelled[:20]]
    rest = [row for row in outcomes.rows if row not in labelled[:20]]
    evidence = judge_tasks([*both, *rest], 50)["mail"].evidence
    assert 0.6 < evidence.agreement.low <= evidence.agreement.value < 1
    assert evidence.ceiling.value == 1.0
    assert evidence.ceiling.low < 0.9  # twenty agreements are not certain


def test_a_task_without_a_judge_is_left_alone_beside_one_with() -> None:
    mine = judged(n_labels=60)
    other = tuple(replace(row, task="sum", judge=None, labels={}) for row in mine.rows)
    comparison = compare(
        Outcomes((*mine.rows, *other)), PRICES, RULE, task_rules=TaskRules(weights={"sum": 2.0})
    )
    assert [task.cells[0].judge is None for task in comparison.tasks] == [False, True]


def test_who_is_best_is_decided_on_corrected_qualities() -> None:
    """A judge that favours one candidate does not make it the reference once people have spoken."""
    rng = np.random.default_rng(3)
    rows = []
    for name, quality, flattered in (("cheap", 0.6, 0.98), ("dear", 0.9, 0.9)):
        truth = rng.random(200) < quality
        score = rng.random(200) < flattered if name == "cheap" else truth
        rows += [
            Outcome("t", f"q{i}", name, score=float(score[i]), answered=True, judge="j",
                    parts={"r": 1.0}, labels={"ann": float(truth[i])} if i < 60 else {})
            for i in range(200)
        ]  # fmt: skip
    assert compare(Outcomes(tuple(rows)), PRICES, RULE).reference == "dear"
    without = tuple(replace(row, labels={}) for row in rows)
    assert compare(Outcomes(without), PRICES, RULE).reference == "cheap"
