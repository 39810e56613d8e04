"""Who made a model, and who would grade its own family."""

from __future__ import annotations

import pytest

from llmroute.judges.family import family_of, family_warnings
from llmroute.records import Candidate


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("openai/gpt-5.4", "openai"),
        ("openrouter/anthropic/claude-haiku-4-5", "anthropic"),
        ("bedrock/meta.llama3-70b-instruct-v1:0", "meta"),
        ("ollama/qwen3:8b", "qwen"),
        ("hosted_vllm/my-model", None),
        ("builtin/rules", None),
    ],
)
def test_the_family_is_read_off_the_model_id(model: str, family: str | None) -> None:
    assert family_of(model) == family


def test_a_judge_of_a_candidates_family_is_warned_of_by_name() -> None:
    judges = [Candidate("judge:openai/gpt-5.4", "openai/gpt-5.4")]
    candidates = [Candidate("mini", "azure/gpt-4o-mini"), Candidate("haiku", "anthropic/claude-h")]
    (warning,) = family_warnings(judges, candidates)
    assert warning.startswith("The judge openai/gpt-5.4 is of the same family as mini,")


def test_a_judge_of_another_or_an_unknown_family_is_not_warned_of() -> None:
    candidates = [Candidate("mini", "azure/gpt-4o-mini"), Candidate("own", "hosted_vllm/mine")]
    judges = [Candidate("judge:c", "anthropic/claude-x"), Candidate("judge:v", "hosted_vllm/v")]
    assert family_warnings(judges, candidates) == []
