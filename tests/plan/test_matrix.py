from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from llmroute.plan.manifest import describe_run, recall_plan
from llmroute.plan.matrix import call_params, plan_calls
from llmroute.records import Candidate, Config, Example, Plugin, Sample, Suite
from llmroute.store.reader import StoreReader
from llmroute.store.writer import StoreWriter

SUITE = Suite(
    name="s",
    task="t",
    samples=(Sample("a", "one", "1"), Sample("b", "two", "2")),
    prompt="Q: {{ input }}",
    examples=(Example("zero", "0"),),
    metrics=(Plugin("exact"),),
    max_tokens=50,
)
ONE, TWO = Candidate("m1", "openai/m1"), Candidate("m2", "openai/m2", {"temperature": 0})


def keys(*candidates: Candidate, suite: Suite = SUITE, **options: object) -> set[str]:
    return {call.key for call in plan_calls([suite], candidates, **options).calls}  # type: ignore[arg-type]


def test_every_candidate_sample_and_repeat_is_planned_sample_by_sample() -> None:
    calls = plan_calls([SUITE], [ONE, TWO], repeats=2).calls
    assert [(c.sample_id, c.candidate.name, c.repeat) for c in calls] == [
        ("a", "m1", 0), ("a", "m1", 1), ("a", "m2", 0), ("a", "m2", 1),
        ("b", "m1", 0), ("b", "m1", 1), ("b", "m2", 0), ("b", "m2", 1),
    ]  # fmt: skip
    assert len({call.key for call in calls}) == 8


def test_few_shot_examples_are_turns_before_the_question() -> None:
    call = plan_calls([SUITE], [ONE]).calls[0]
    assert [(m.role, m.content) for m in call.messages] == [
        ("user", "Q: zero"), ("assistant", "0"), ("user", "Q: one"),
    ]  # fmt: skip


def test_a_candidates_own_parameters_win_over_the_suites() -> None:
    assert call_params(SUITE, ONE) == {"max_tokens": 50}
    assert call_params(SUITE, Candidate("m", "m", {"max_tokens": 9})) == {"max_tokens": 9}


def test_keys_do_not_depend_on_names_order_or_what_else_is_planned() -> None:
    renamed = replace(SUITE, name="other", task="other", description="x", path=Path("x"))
    assert keys(ONE) == keys(ONE, suite=renamed)
    assert keys(ONE) < keys(TWO, ONE)
    assert keys(ONE) == keys(replace(ONE, name="another name"))


@pytest.mark.parametrize(
    "changed",
    [
        replace(ONE, model="openai/m9"),
        replace(ONE, params={"temperature": 1}),
        replace(ONE, api_base="http://127.0.0.1:1/v1"),
    ],
)
def test_another_model_parameter_or_endpoint_is_another_answer(changed: Candidate) -> None:
    assert keys(ONE).isdisjoint(keys(changed))


def test_another_prompt_is_another_answer() -> None:
    assert keys(ONE).isdisjoint(keys(ONE, suite=replace(SUITE, prompt="{{ input }}")))


def test_a_key_is_no_part_of_an_answers_identity() -> None:
    with_key = replace(ONE, api_key="k", params={"extra_headers": {"X-Api-Key": "k"}})
    without = replace(ONE, params={"extra_headers": {}})
    assert keys(with_key) == keys(without)


def test_a_recording_answers_by_sample_and_content() -> None:
    replay = Candidate("r", "replay/r")
    assert keys(replay, endpoints={"r": "one"}).isdisjoint(keys(replay, endpoints={"r": "two"}))
    same_text = replace(SUITE, samples=(Sample("a", "one"), Sample("b", "one")))
    assert len(keys(replay, suite=same_text)) == 2
    assert len(keys(ONE, suite=same_text)) == 1


def test_a_stored_run_gives_the_same_plan_again(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    secret = replace(
        TWO, api_base="http://me:pw@127.0.0.1:1/v1", params={"temperature": 0, "api_token": "s3"}
    )
    plan = plan_calls([SUITE], [ONE, secret], repeats=2, endpoints={"m2": secret.api_base or ""})
    config = Config(suites=(), candidates=(ONE, secret), repeats=2)
    with StoreWriter.open(tmp_path / "store.db") as store:
        store.put_suite(SUITE)
        run_id = store.start_run(describe_run(config, plan, datetime(2026, 1, 2, tzinfo=UTC)))
    with StoreReader.open(tmp_path / "store.db") as reader:
        manifest = reader.run(run_id)
        assert manifest is not None
        again = recall_plan(manifest, reader)
    assert [call.key for call in again.calls] == [call.key for call in plan.calls]
