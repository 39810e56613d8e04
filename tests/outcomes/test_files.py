from __future__ import annotations

import gzip
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.errors import LogFormatError, OutsideError
from llmroute.outcomes import jsonl, read_outcomes, write_outcomes
from llmroute.records import Outcome, Outcomes, Prompt, Usage

REALDATA = Path(
    os.environ.get("LLMROUTE_REALDATA") or Path(__file__).parents[2] / "../shared/realdata"
)
needs_realdata = pytest.mark.skipif(
    not REALDATA.is_dir(), reason="LLMROUTE_REALDATA names no folder of recorded outcomes"
)


@pytest.fixture
def read(tmp_path):
    """Reads lines, each given as a value or as raw text."""

    def read(*lines, **options):
        path = tmp_path / "o.jsonl"
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        return read_outcomes([path], **options)

    return read


def line(models, **further):
    return {"id": "q1", "task": "gsm", "models": models, **further}


def refusal(read, *lines):
    with pytest.raises(LogFormatError) as caught:
        read(*lines)
    return str(caught.value)


def test_every_field_is_read(read):
    result = {
        "score": 1,
        "answer": "4",
        "prompt_tokens": 12,
        "completion_tokens": 3.0,
        "cached_prompt_tokens": 4,
        "reasoning_tokens": 1,
        "cost_usd": 0.002,
        "busy_s": 0.5,
        "latency_s": 0.25,
        "finish_reason": "stop",
        "prediction": "four",
        "judge": "openai/gpt-4o",
        "parts": {"clear": 0.5, "brief": None},
        "grader_notes": "passed over",
    }
    extras = {"target": [4], "tags": ["easy"], "difficulty": 5, "group": 17, "weight": 2}
    outcomes = read(line({"m": result}, prompt="2 + 2?", repeat=3, split="test", **extras))
    assert outcomes.rows == (
        Outcome(
            task="gsm",
            sample_id="q1",
            candidate="m",
            repeat=3,
            score=1.0,
            answered=True,
            output="4",
            prediction="four",
            usage=Usage(12, 3, 4, 1),
            busy_s=0.5,
            recorded_cost_usd=0.002,
            latency_s=0.25,
            finish_reason="stop",
            weight=2.0,
            group="17",
            judge="openai/gpt-4o",
            parts={"clear": 0.5},
        ),
    )
    assert outcomes.prompts == {
        ("gsm", "q1"): Prompt("gsm", "q1", "2 + 2?", [4], ("easy",), "5"),
    }


def test_a_part_that_is_no_share_is_refused_with_its_place(read):
    faulty = line({"m": {"score": 1, "judge": "j", "parts": {"clear": 3}}})
    assert "o.jsonl:1, 'm', 'parts': 'clear' is 3" in refusal(read, faulty)
    assert "'parts' is 'all', not an object" in refusal(read, line({"m": {"parts": "all"}}))


def test_prompts_and_answers_can_be_left_out(read):
    outcomes = read(
        line({"m": {"answer": "4", "prediction": "4"}}, prompt="2 + 2?"), keep_text=False
    )
    (row,) = outcomes.rows
    assert (row.output, row.prediction, row.answered) == (None, None, True)
    assert outcomes.prompts["gsm", "q1"].text is None


@pytest.mark.parametrize("empty", [None, {}, {"score": None, "answer": None, "cost_usd": None}])
def test_a_candidate_with_nothing_has_not_answered(read, empty):
    (row,) = read(line({"m": empty})).rows
    assert (row.answered, row.score, row.reason) == (False, None, "not_recorded")


@pytest.mark.parametrize("known", ["prompt_tokens", "completion_tokens", "cost_usd"])
def test_tokens_or_cost_alone_show_that_there_was_an_answer(read, known):
    (row,) = read(line({"m": {known: 0}})).rows
    assert row.answered
    assert row.score is None
    assert row.reason == "not_scored: no score recorded"


@pytest.mark.parametrize("name", ["reason", "failure"])
def test_a_recorded_failure_keeps_its_kind(read, name):
    (row,) = read(line({"m": {"score": None, name: "timed_out"}})).rows
    assert (row.answered, row.reason) == (False, "timed_out")


def test_an_empty_answer_is_an_answer(read):
    (row,) = read(line({"m": {"answer": ""}})).rows
    assert row.answered


def test_a_candidate_missing_from_a_line_has_no_outcome_there(read):
    outcomes = read(line({"a": {"score": 1.0}, "b": {"score": 0.0}}), line({}, id="q2"))
    assert [row.candidate for row in outcomes.rows] == ["a", "b"]
    assert outcomes.prompts.keys() == {("gsm", "q1"), ("gsm", "q2")}


def test_chat_messages_are_kept_as_json(read):
    messages = [{"role": "user", "content": "hé"}]
    outcomes = read(line({}, prompt=messages))
    assert outcomes.prompts["gsm", "q1"].text == '[{"content":"hé","role":"user"}]'


@pytest.mark.parametrize("score", ["NaN", "Infinity", "-0.1", "1.01", "true", '"1"', "[1]"])
def test_a_score_that_is_no_number_in_0_1_is_refused_with_its_place(read, score):
    raw = '{"id": "q1", "task": "gsm", "models": {"m": {"score": %s}}}'
    message = refusal(read, raw % "0.5", raw.replace("q1", "q2") % score)
    assert "o.jsonl:2, 'm': 'score' is " in message
    assert "not a number in [0, 1]" in message
    assert "write null where there is no score" in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prompt_tokens", "-1"),
        ("prompt_tokens", "1.5"),
        ("completion_tokens", "NaN"),
        ("completion_tokens", "1" + "0" * 400),
        ("cost_usd", "Infinity"),
        ("cost_usd", "1" + "0" * 400),
        ("cost_usd", '"free"'),
        ("latency_s", "-0.5"),
        ("latency_s", "true"),
        ("answer", "4"),
        ("answered", "1"),
    ],
)
def test_a_value_of_a_wrong_kind_is_refused_by_name(read, name, value):
    raw = '{"id": "q1", "task": "gsm", "models": {"m": {"%s": %s}}}'
    assert f"o.jsonl:1, 'm': {name!r} is " in refusal(read, raw % (name, value))


@pytest.mark.parametrize("name", ["id", "task"])
def test_a_line_without_id_or_task_is_refused(read, name):
    content = line({})
    del content[name]
    assert refusal(read, content).endswith(
        f'o.jsonl:1: {name!r} is missing\nAdd "{name}": "..." to the line.'
    )


@pytest.mark.parametrize("models", [[], "m", {"m": 1.0}])
def test_models_that_are_no_object_are_refused(read, models):
    assert "is not an object" in refusal(read, line(models))


def test_the_same_line_twice_counts_once(read):
    one = line({"m": {"score": 1.0}}, prompt="2 + 2?")
    assert len(read(one, one).rows) == 1


def test_lines_of_one_prompt_with_other_candidates_are_joined(read):
    outcomes = read(
        line({"a": {"score": 1.0}}),
        line({"b": {"score": 0.0}}, prompt="2 + 2?", target="4"),
        line({"c": {"score": 0.0}}),
    )
    assert [row.candidate for row in outcomes.rows] == ["a", "b", "c"]
    assert outcomes.prompts == {("gsm", "q1"): Prompt("gsm", "q1", "2 + 2?", "4")}


def test_repeats_of_one_prompt_stand_side_by_side(read):
    outcomes = read(line({"m": {"score": 1.0}}), line({"m": {"score": 0.0}}, repeat=1))
    assert [(row.repeat, row.score) for row in outcomes.rows] == [(0, 1.0), (1, 0.0)]


def test_two_results_for_one_prompt_and_candidate_name_both_lines(read):
    message = refusal(
        read, line({"m": {"score": 1.0}}), line({}, id="q2"), line({"m": {"score": 0.0}})
    )
    assert "o.jsonl:3, 'm': another result" in message
    assert "o.jsonl:1, 'm'\n" in message
    assert '"repeat"' in message


def test_two_prompts_under_one_id_name_both_lines(read):
    message = refusal(read, line({}, prompt="2 + 2?"), line({}, prompt="3 + 3?"))
    assert "o.jsonl:2: id 'q1' of task 'gsm' has another prompt" in message
    assert "o.jsonl:1\n" in message


def test_a_last_line_cut_short_is_told_apart_from_bad_json(tmp_path):
    path = tmp_path / "o.jsonl"
    whole = json.dumps(line({"m": {"score": 1.0}}))
    path.write_text(f"{whole}\n{whole[:30]}")
    with pytest.raises(LogFormatError, match=r"o\.jsonl:2: the last line ends in the middle"):
        read_outcomes([path])
    path.write_text(f"{whole[:30]}\n{whole}\n")
    with pytest.raises(LogFormatError, match=r"o\.jsonl:1: not JSON"):
        read_outcomes([path])


def test_a_whole_last_line_needs_no_line_break(tmp_path):
    path = tmp_path / "o.jsonl"
    path.write_text("\n" + json.dumps(line({"m": {"score": 1.0}})))
    assert len(read_outcomes([path]).rows) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[1, 2]\n", "holds a list, not a JSON object"),
        (b"null\n", "holds null"),
        (b"[" * 100_000 + b"\n", "nested too deeply"),
        (b'{"id": "\xff"}\n', "not UTF-8"),
        (b'{"id": ' + b"1" * 5000 + b"}\n", "not JSON"),
        (gzip.compress(b"\n" * 5000)[:-12], "damaged or ends early"),
        (b"\x1f\x8bnot gzip after all", "damaged or ends early"),
    ],
    ids=["list", "null", "nested", "latin-1", "digits", "gzip cut short", "no gzip"],
)
def test_a_broken_file_says_what_is_broken(tmp_path, content, words):
    path = tmp_path / "o.jsonl"
    path.write_bytes(content)
    with pytest.raises(LogFormatError) as caught:
        read_outcomes([path])
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_line_beyond_the_limit_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonl, "MAX_LINE_BYTES", 1 << 20)
    path = tmp_path / "o.jsonl"
    path.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(LogFormatError, match="longer than 1 MiB"):
        read_outcomes([path])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(LogFormatError, match=r"none\.jsonl: cannot read the file: No such file"):
        read_outcomes([tmp_path / "none.jsonl"])


def test_gzip_is_known_by_its_bytes_not_its_name(tmp_path):
    path = tmp_path / "o.jsonl"
    path.write_bytes(gzip.compress(json.dumps(line({"m": {"score": 1.0}})).encode()))
    assert len(read_outcomes([path]).rows) == 1


def test_a_byte_order_mark_is_passed_over(tmp_path):
    path = tmp_path / "o.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(line({"m": {"score": 1.0}})).encode() + b"\r\n")
    assert len(read_outcomes([path]).rows) == 1


def test_several_files_are_read_as_one(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(json.dumps(line({name: {"score": 1.0}})))
    outcomes = read_outcomes([tmp_path / "a", tmp_path / "b"])
    assert [row.candidate for row in outcomes.rows] == ["a", "b"]


ONE = Outcomes(
    (Outcome("gsm", "q1", "m", score=1.0, answered=True, output="4"),),
    {("gsm", "q1"): Prompt("gsm", "q1", "2 + 2 = ?", "4")},
)


def test_a_written_line_shows_the_interchange_form(tmp_path):
    write_outcomes(tmp_path / "o.jsonl", ONE)
    assert (tmp_path / "o.jsonl").read_text() == (
        '{"id": "q1", "task": "gsm", "prompt": "2 + 2 = ?", "target": "4", "models": {"m": '
        '{"score": 1.0, "answer": "4", "prompt_tokens": null, "completion_tokens": null, '
        '"cost_usd": null, "latency_s": null}}}\n'
    )


def test_the_same_outcomes_give_the_same_bytes_gzipped_too(tmp_path):
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        write_outcomes(tmp_path / name, ONE)
    content = (tmp_path / "a.jsonl.gz").read_bytes()
    assert content[:2] == b"\x1f\x8b"
    assert content == (tmp_path / "b.jsonl.gz").read_bytes()
    assert read_outcomes([tmp_path / "a.jsonl.gz"]) == ONE


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "o.jsonl"
    write_outcomes(path, ONE)
    before = path.read_bytes()
    bad = replace(ONE.prompts["gsm", "q1"], target={1, 2})
    with pytest.raises(TypeError):
        write_outcomes(path, Outcomes((), {("gsm", "q1"): bad}))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutsideError, match="a file, not a folder"):
        write_outcomes(tmp_path / "file" / "o.jsonl", ONE)


TEXT = st.text(st.characters(codec=None), max_size=6)
NAMES = st.text(st.characters(codec=None), min_size=1, max_size=3)
COUNTS = st.none() | st.integers(0, 2**53)
AMOUNTS = st.none() | st.floats(0, 1e9)


@st.composite
def outcome_sets(draw):
    prompts, rows = {}, []
    for key in draw(st.lists(st.tuples(NAMES, NAMES), unique=True, max_size=3)):
        prompts[key] = draw(
            st.builds(
                Prompt,
                task=st.just(key[0]),
                sample_id=st.just(key[1]),
                text=st.none() | TEXT,
                target=st.none() | TEXT | st.integers() | st.lists(TEXT, max_size=2),
                tags=st.lists(TEXT, max_size=2).map(tuple),
                difficulty=st.none() | TEXT,
            )
        )
        cells = st.lists(st.tuples(st.integers(0, 2), NAMES), unique=True, max_size=3)
        rows += [draw(outcomes(*key, *cell)) for cell in sorted(draw(cells))]
    return Outcomes(tuple(rows), prompts)


def outcomes(task, sample_id, repeat, candidate):
    return st.builds(
        Outcome,
        task=st.just(task),
        sample_id=st.just(sample_id),
        candidate=st.just(candidate),
        repeat=st.just(repeat),
        score=st.none() | st.floats(0, 1),
        reason=NAMES,
        answered=st.booleans(),
        output=st.none() | TEXT,
        prediction=st.none() | TEXT,
        usage=st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS),
        busy_s=AMOUNTS,
        recorded_cost_usd=AMOUNTS,
        latency_s=AMOUNTS,
        finish_reason=st.none() | TEXT,
        weight=st.floats(0, 10),
        group=st.none() | TEXT,
        judge=st.none() | TEXT,
        parts=st.dictionaries(TEXT, st.floats(0, 1), max_size=2),
        rubric=st.none() | TEXT,
        labels=st.dictionaries(TEXT, st.floats(0, 1), max_size=2),
        label_weight=st.floats(0.01, 100),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("outcomes")


@settings(max_examples=100, deadline=None)
@given(outcome_sets(), st.sampled_from(["o.jsonl", "o.jsonl.gz"]))
def test_all_outcomes_survive_the_file(folder, outcomes, name):
    write_outcomes(folder / name, outcomes)
    assert read_outcomes([folder / name]) == outcomes


@needs_realdata
@pytest.mark.parametrize(
    ("name", "n_outcomes", "n_prompts", "n_scored"),
    [
        ("zeroeval", 44121, 2840, 44121),
        ("llmrouter_example", 54972, 6108, 54972),
        ("routerarena", 2023, 809, 1902),
        ("routellm_gsm8k", 2638, 1319, 2638),
        ("routellm_mtbench", 160, 80, 160),
        ("frugalgpt_headlines", 0, 10000, 0),
    ],
)
def test_recorded_outcomes_of_real_models_are_read(name, n_outcomes, n_prompts, n_scored):
    outcomes = read_outcomes([REALDATA / f"{name}.jsonl.gz"], keep_text=False)
    assert len(outcomes.rows) == n_outcomes
    assert len(outcomes.prompts) == n_prompts
    assert sum(row.score is not None for row in outcomes.rows) == n_scored


@needs_realdata
def test_outcomes_of_real_models_survive_a_second_file(tmp_path):
    outcomes = read_outcomes([REALDATA / "routerarena.jsonl.gz"])
    write_outcomes(tmp_path / "again.jsonl.gz", outcomes)
    assert read_outcomes([tmp_path / "again.jsonl.gz"]) == outcomes
