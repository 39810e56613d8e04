from __future__ import annotations

from llmroute.outcomes import collect_outcomes
from llmroute.records import (
    Call,
    Candidate,
    Completion,
    Failure,
    Message,
    Outcome,
    Prompt,
    Sample,
    Score,
    Suite,
    Usage,
)

SUITE = Suite(
    "gsm",
    "math",
    (
        Sample("q1", "2 + 2", "4", tags=("easy",), weight=2.0, group="book"),
        Sample(
            "q2", (Message("user", "hi"), Message("assistant", "yes?"), Message("user", "3 + 3"))
        ),
    ),
)


def call(sample_id="q1", repeat=0, *messages):
    name = f"{sample_id}/{repeat}"
    said = messages or (Message("system", "Be brief."), Message("user", "What is 2 + 2?"))
    return Call(name, "gsm", "math", sample_id, Candidate("m", "x/m"), said, "d", {}, repeat)


def collect(*calls, completions=(), failures=(), scores=None):
    return collect_outcomes(
        calls,
        [SUITE],
        {one.key: one for one in completions},
        {one.key: one for one in failures},
        scores or {},
    )


def test_an_answer_and_its_score_make_an_outcome():
    answer = Completion("q1/0", "It is 4", Usage(9, 3), "stop", 0.5, 0.25, 0.001)
    outcomes = collect(call(), completions=[answer], scores={"q1/0": Score(1.0, "4")})
    assert outcomes.rows == (
        Outcome(
            task="math",
            sample_id="q1",
            candidate="m",
            score=1.0,
            answered=True,
            output="It is 4",
            prediction="4",
            usage=Usage(9, 3),
            busy_s=0.25,
            recorded_cost_usd=0.001,
            latency_s=0.5,
            finish_reason="stop",
            weight=2.0,
            group="book",
        ),
    )


def test_a_failure_is_the_reason_there_is_no_answer():
    (row,) = collect(call(), failures=[Failure("q1/0", "timed_out", "no answer")]).rows
    assert (row.answered, row.score, row.reason) == (False, None, "timed_out")


def test_a_call_nobody_sent_was_not_asked():
    (row,) = collect(call()).rows
    assert (row.answered, row.reason) == (False, "not_asked")


def test_an_answer_that_cannot_be_scored_says_why():
    rows = collect(
        call(),
        call(repeat=1),
        completions=[Completion("q1/0", "x"), Completion("q1/1", "x")],
        scores={"q1/0": Score(None, reason="no number in the output")},
    ).rows
    assert [row.reason for row in rows] == [
        "not_scored: no number in the output",
        "not_scored: no score was computed",
    ]
    assert all(row.answered for row in rows)


def test_each_prompt_stands_once_as_the_user_wrote_it():
    outcomes = collect(call(), call(repeat=1), call("q2"))
    assert len(outcomes.rows) == 3
    assert outcomes.prompts == {
        ("math", "q1"): Prompt("math", "q1", "What is 2 + 2?", "4", ("easy",)),
        ("math", "q2"): Prompt("math", "q2", "user: hi\n\nassistant: yes?\n\nuser: 3 + 3"),
    }
