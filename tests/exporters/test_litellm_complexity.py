"""The fitted boundary, and LiteLLM's own complexity router beside llmroute's reading of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmroute.calibrating import Wish
from llmroute.calibration.threshold import Target
from llmroute.errors import InputError
from llmroute.exporters.complexity_score import _read_scorer, installed_scorer
from llmroute.exporters.litellm_complexity import ComplexityFit, LitellmComplexity
from llmroute.pipeline import fit_complexity

HARD = "Write a Python function that implements class {} and explain your reasoning step by step."
EASY = (
    "Say good morning to guest number {} at the front door of the old hotel, please, in one line."
)
PROMPTS = (
    "",
    "hi",
    "What is the capital of France?",
    HARD.format(1),
    EASY.format(1),
    "First collect the invoices, then sum them. 1. read 2. add. a) b)",
    "Why? How? When? Where? Who?",
    "Analyze this distributed architecture: latency, throughput, concurrency, the gRPC protocol.",
    "An APIary is not an api, capital is not api; def, CLASS; terrorism is no error.",
    "我需要开发票 what is 发票",
    "word " * 400,
    "word " * 320,
    "x" * 59,
    "x" * 60,
    "Think step by step and show your work; weigh the options; pros and cons?",
)


@pytest.fixture(scope="module")
def judged() -> Any:
    """(tier, score) of a prompt by LiteLLM's own router with these settings."""
    pytest.MonkeyPatch().setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    from litellm.router_strategy.complexity_router.complexity_router import ComplexityRouter

    def judge(prompt: str, **settings: Any) -> tuple[str, float]:
        given = {"tiers": {"SIMPLE": "a", "MEDIUM": "b", "COMPLEX": "b", "REASONING": "b"}}
        router = ComplexityRouter(
            "r", None, {**given, **settings}, default_model="b", derive_savings_baseline=False
        )
        tier, score, _ = router.classify(prompt)
        return tier.value, score

    return judge


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_score_is_litellms_own(judged, prompt) -> None:
    assert installed_scorer().score(prompt) == pytest.approx(judged(prompt)[1], abs=1e-12)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_settings_that_are_written_out_change_no_score(judged, prompt) -> None:
    scorer = installed_scorer()
    assert judged(prompt, **scorer.settings())[1] == pytest.approx(scorer.score(prompt))


@pytest.mark.parametrize("boundary", [-0.12, -0.0325, 0.0, 0.15, 0.4])
def test_below_the_boundary_is_simple_and_from_it_on_is_not(judged, boundary) -> None:
    upper = {"medium_complex": max(0.35, boundary), "complex_reasoning": max(0.6, boundary)}
    for prompt in PROMPTS:
        tier, score = judged(prompt, tier_boundaries={"simple_medium": boundary, **upper})
        assert (tier == "SIMPLE") == (score < boundary), prompt


def write_outcomes(folder: Path, rows: list[tuple[str, float, float]]) -> Path:
    path = folder / "outcomes.jsonl"
    lines = [
        json.dumps(
            {
                "id": str(number),
                "task": "t",
                "prompt": prompt,
                "models": {
                    "small": {"score": weak, "cost_usd": 0.001},
                    "big": {"score": strong, "cost_usd": 0.01},
                },
            }
        )
        for number, (prompt, weak, strong) in enumerate(rows)
    ]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def told_apart(tmp_path) -> Path:
    """Small fails on what LiteLLM's score calls complex."""
    rows = [(EASY.format(i), 1.0, 1.0) for i in range(120)]
    rows += [(HARD.format(i), 0.0, 1.0) for i in range(80)]
    return write_outcomes(tmp_path, rows)


@pytest.fixture
def alike(tmp_path) -> Path:
    """Small fails as often on easy words as on hard ones."""
    rows = [(text.format(i), float(i % 5 > 0), 1.0) for i in range(100) for text in (EASY, HARD)]
    return write_outcomes(tmp_path, rows)


KNEE = Wish(target=Target("knee"), weak="small", strong="big")


def test_the_boundary_parts_what_small_can_from_what_it_cannot(told_apart) -> None:
    fit = fit_complexity(KNEE, files=[told_apart])
    scorer = installed_scorer()
    easy, hard = (scorer.score(text.format(7)) for text in (EASY, HARD))
    assert easy < fit.boundary < hard
    assert (fit.weak_quality, fit.strong_quality) == (0.6, 1.0)
    assert fit.strong_share.value == pytest.approx(0.4)
    assert fit.quality.value == pytest.approx(1.0)
    assert fit.random_quality.value == pytest.approx(0.6 + 0.4 * 0.4)
    assert fit.shipped


def test_a_score_that_knows_nothing_is_not_shipped_and_every_tier_is_strong(
    alike, make_map
) -> None:
    fit = fit_complexity(KNEE, files=[alike])
    assert fit.gained.low <= 0
    text = LitellmComplexity(fit=fit).render(make_map())
    entry = yaml.safe_load(text)["model_list"][-1]
    assert set(entry["litellm_params"]["complexity_router_config"]["tiers"].values()) == {"big"}
    assert "does not surely beat random routing" in " ".join(text.replace("#", "").split())


def test_the_value_beside_random_stands_in_the_header(told_apart, make_map) -> None:
    text = LitellmComplexity(fit=fit_complexity(KNEE, files=[told_apart])).render(make_map())
    said = " ".join(text.replace("#", "").split())
    assert "On 200 prompts, each with a boundary picked on others, 40% go to big" in said
    assert "quality 1.000, at random with the same share 0.760" in said


def test_without_outcomes_it_says_what_it_needs(make_map) -> None:
    with pytest.raises(InputError, match="fitted from outcomes") as refused:
        LitellmComplexity().render(make_map())
    assert "--data FILE" in str(refused.value)


def test_a_litellm_that_states_it_another_way_is_refused(tmp_path) -> None:
    (tmp_path / "config.py").write_text("DEFAULT_CODE_KEYWORDS: list[str] = ['def']\n")
    with pytest.raises(InputError, match="no DEFAULT_REASONING_KEYWORDS"):
        _read_scorer(tmp_path / "config.py")


def test_litellms_router_sends_by_the_fitted_boundary(
    told_apart, make_map, chat_server, ask_litellm
) -> None:
    fit = fit_complexity(KNEE, files=[told_apart])
    loaded = yaml.safe_load(LitellmComplexity(fit=fit).render(make_map(chat_server.url)))
    ask_litellm(loaded, "llmroute-complexity", EASY.format(500), HARD.format(500))
    assert [asked.body["model"] for asked in chat_server.requests] == ["gpt-4o-mini", "gpt-4o"]


def test_the_fit_is_the_same_twice(told_apart) -> None:
    one, other = (fit_complexity(KNEE, files=[told_apart]) for _ in range(2))
    assert isinstance(one, ComplexityFit)
    assert one == other
