from __future__ import annotations

import numpy as np
import pytest

from llmroute.analysis.judge_diagnostics import (
    diagnose,
    family_of,
    length_slope,
    own_family_delta,
    warnings_of,
)
from llmroute.records import JudgeEvidence, Outcome, Usage


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("openai/gpt-4o-mini", "openai"),
        ("azure/o3-mini", "openai"),
        ("bedrock/us.anthropic.claude-3-haiku-20240307-v1:0", "anthropic"),
        ("vertex_ai/gemini-2.0-flash", "google"),
        ("ollama/llama3.1:8b", "meta"),
        ("openrouter/mistralai/mixtral-8x7b", "mistral"),
        ("together_ai/Qwen/Qwen2-72B-Instruct", "qwen"),
        ("deepseek/deepseek-chat", "deepseek"),
        ("groq/llama-3.3-70b", "meta"),
        ("my-model", None),
    ],
)
def test_families_are_known_through_provider_prefixes(model: str, family: str | None) -> None:
    assert family_of(model) == family


def rows_of(slope: float, n: int = 200, seed: int = 0) -> list[Outcome]:
    """Two candidates of different length and quality; within each the score follows the length."""
    rng = np.random.default_rng(seed)
    rows = []
    for name, base, quality in (("short", 50, 0.4), ("long", 400, 0.6)):
        tokens = np.maximum(2, (base * 2 ** rng.normal(0, 1, n)).astype(int))
        score = quality + slope * np.log2(tokens / base) + rng.normal(0, 0.1, n)
        rows += [
            Outcome("t", f"q{i}", name, score=float(np.clip(score[i], 0, 1)), answered=True,
                    usage=Usage(10, int(tokens[i])), judge="openai/gpt-4o")
            for i in range(n)
        ]  # fmt: skip
    return rows


def test_the_length_slope_is_found_within_candidates_and_not_between_them() -> None:
    found = length_slope(rows_of(0.08))
    assert found.low <= 0.08 <= found.high
    none = length_slope(rows_of(0.0))
    assert none.low <= 0.0 <= none.high
    assert abs(none.value) < 0.02


def test_the_slope_is_that_of_a_regression_with_a_mean_for_each_candidate() -> None:
    rows = rows_of(0.05, 60)
    x = np.log2([row.usage.output_tokens for row in rows])
    dummies = np.array([[row.candidate == "short", row.candidate == "long"] for row in rows])
    design = np.column_stack([x, dummies])
    expected = np.linalg.lstsq(design, [row.score for row in rows], rcond=None)[0][0]
    assert length_slope(rows).value == pytest.approx(expected, abs=1e-9)


def favoured(by: float, *, panel: bool = False) -> list[Outcome]:
    rng = np.random.default_rng(2)
    rows = []
    for name in ("openai/gpt-4o-mini", "anthropic/claude-haiku"):
        for i in range(150):
            truth = rng.uniform(0.2, 0.7)
            mine = truth + (by if name.startswith("openai") else 0.0) + rng.normal(0, 0.05)
            labels = {} if panel else {"ann": truth}
            parts = {"judge openai/gpt-4o": mine, "judge qwen/qwen-max": truth} if panel else {}
            rows.append(
                Outcome("t", f"q{i}", name, score=mine, judge="openai/gpt-4o",
                        labels=labels, parts=parts)
            )  # fmt: skip
    return rows


@pytest.mark.parametrize("panel", [False, True])
def test_favour_for_ones_own_family_is_measured_against_people_or_other_judges(
    panel: bool,
) -> None:
    own = {"openai/gpt-4o-mini"}
    found = own_family_delta(favoured(0.15, panel=panel), ["openai"], own)
    assert found.low <= 0.15 <= found.high
    fair = own_family_delta(favoured(0.0, panel=panel), ["openai"], own)
    assert fair.low <= 0.0 <= fair.high


def test_without_people_or_other_judges_favour_is_not_known_but_the_family_is_named() -> None:
    rows = [Outcome("t", f"q{i}", "openai/gpt-4o-mini", score=1.0, judge="j") for i in range(20)]
    evidence = JudgeEvidence(("openai/gpt-4o",), None, True, "", 0)
    found = diagnose("t", rows, evidence, {})
    assert found.own_family is None
    assert warnings_of(found, 0.2) == (
        "t: openai/gpt-4o judges answers of its own family (openai/gpt-4o-mini).",
    )


def test_what_sways_a_judge_is_said() -> None:
    evidence = JudgeEvidence(
        ("openai/gpt-4o",), None, False, "", 0, flip_rate=0.34, unreadable_share=0.1
    )
    said = " ".join(warnings_of(diagnose("t", rows_of(0.1), evidence, {}), 0.2))
    assert "uncalibrated: nobody has labelled its answers" in said
    assert "for every doubling of an answer's length" in said
    assert "unfit to compare: 34% of its verdicts turn" in said
    assert "10% of openai/gpt-4o's verdicts cannot be read" in said
