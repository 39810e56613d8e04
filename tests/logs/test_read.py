from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from llmroute.errors import LogFormatError, UnknownName
from llmroute.logs.entries import read_entries
from llmroute.logs.read import Named, open_log
from llmroute.logs.values import read_time_s
from llmroute.records import LoggedRequest, Usage

OWN = {
    "id": "q1",
    "time": "2026-01-31T12:00:00Z",
    "prompt": "How many?",
    "model": "haiku",
    "prompt_tokens": 12,
    "completion_tokens": 3,
    "cost_usd": 0.002,
    "latency_s": 0.5,
    "task": "sums",
    "tags": ["a"],
    "score": 1,
    "propensity": 0.25,
    "user": "u1",
}
SPEND = {
    "request_id": "chatcmpl-1",
    "call_type": "acompletion",
    "api_key": "88dc28d0",
    "spend": 0.0012,
    "total_tokens": 30,
    "prompt_tokens": 20,
    "completion_tokens": 10,
    "startTime": "2026-01-31T12:00:00+00:00",
    "endTime": "2026-01-31T12:00:01.250000+00:00",
    "model": "gpt-4o-mini",
    "model_group": "mini",
    "custom_llm_provider": "openai",
    "metadata": json.dumps({
        "user_api_key_user_id": "secret-user",
        "spend_logs_metadata": {"arm": "treatment", "score": 0.5},
        "usage_object": {"prompt_tokens_details": {"cached_tokens": 8}},
    }),
    "cache_hit": "False",
    "request_tags": '["tickets", "User-Agent: x"]',
    "messages": "{}",
    "response": "{}",
    "proxy_server_request": json.dumps({
        "model": "mini", "messages": [{"role": "user", "content": "Hello"}]
    }),
    "status": "success",
}  # fmt: skip
CALLBACK = {
    "id": "chatcmpl-2",
    "call_type": "acompletion",
    "response_cost": 0.5,
    "status": "success",
    "prompt_tokens": 7,
    "completion_tokens": 2,
    "startTime": 1769860800.0,
    "endTime": 1769860802.0,
    "model": "gpt-4o",
    "model_group": "gpt-4o",
    "metadata": {"requester_metadata": {"task": "tickets"}},
    "messages": [{"role": "user", "content": "Hi"}],
    "request_tags": [],
    "cache_hit": None,
}
BATCH_IN = {
    "custom_id": "a",
    "method": "POST",
    "url": "/v1/chat/completions",
    "body": {"model": "gpt-4o", "messages": [{"role": "user", "content": "Q"}]},
}
BATCH_OUT = {
    "id": "batch_req_1",
    "custom_id": "a",
    "response": {
        "status_code": 200,
        "body": {
            "model": "gpt-4o-2024-08-06",
            "created": 1769860800,
            "choices": [{"message": {"role": "assistant", "content": "A"}}],
            "usage": {
                "prompt_tokens": 5,
                "completion_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 2},
            },
        },
    },
    "error": None,
}


def write(path: Path, *entries: Any) -> Path:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def read(*paths: Path, form: str = "auto", named: Named | None = None) -> list[LoggedRequest]:
    return list(open_log(paths, form, named).requests())


def test_our_own_form_is_read_whole(tmp_path: Path) -> None:
    (found,) = read(write(tmp_path / "log.jsonl", OWN))
    assert found == LoggedRequest(
        where=f"{tmp_path}/log.jsonl:1",
        id="q1",
        models=("haiku",),
        request="How many?",
        time_s=1769860800.0,
        usage=Usage(12, 3),
        cost_usd=0.002,
        latency_s=0.5,
        task="sums",
        tags=("a",),
        score=1.0,
        propensity=0.25,
        raw=OWN,
    )


def test_answers_of_other_models_to_the_same_request_are_read(tmp_path: Path) -> None:
    line = {"model": "big", "models": {"small": {"score": 0.5, "completion_tokens": 9}}}
    (found,) = read(write(tmp_path / "log.jsonl", line))
    assert [(o.candidate, o.score, o.usage.output_tokens) for o in found.others] == [
        ("small", 0.5, 9)
    ]


def test_litellm_spend_logs_are_read_whole(tmp_path: Path) -> None:
    (found,) = read(write(tmp_path / "log.jsonl", SPEND))
    assert found.id == "chatcmpl-1"
    assert found.models == ("mini", "gpt-4o-mini", "openai/gpt-4o-mini")
    assert found.request == ({"role": "user", "content": "Hello"},)
    assert found.usage == Usage(20, 10, 8)
    assert (found.cost_usd, found.latency_s, found.time_s) == (0.0012, 1.25, 1769860800.0)
    assert found.tags == ("tickets", "User-Agent: x")
    assert found.metadata == {"arm": "treatment", "score": 0.5}  # nothing of keys and users
    assert found.score == 0.5


def test_what_litellms_callbacks_write_is_read(tmp_path: Path) -> None:
    (found,) = read(write(tmp_path / "log.jsonl", CALLBACK))
    assert (found.id, found.cost_usd, found.latency_s) == ("chatcmpl-2", 0.5, 2.0)
    assert found.metadata == {"task": "tickets"}


def test_litellms_zeros_are_not_known_rather_than_free(tmp_path: Path) -> None:
    entry = {**SPEND, "spend": 0.0, "prompt_tokens": 0, "completion_tokens": 0}
    (found,) = read(write(tmp_path / "log.jsonl", entry))
    assert found.cost_usd is None
    assert found.usage == Usage()


@pytest.mark.parametrize(
    ("change", "fate"),
    [
        ({"status": "failure"}, "failed"),
        ({"cache_hit": "True"}, "cached"),
        ({"call_type": "aembedding"}, "no_chat"),
    ],
)
def test_litellm_says_what_became_of_a_request(
    tmp_path: Path, change: dict[str, str], fate: str
) -> None:
    (found,) = read(write(tmp_path / "log.jsonl", {**SPEND, **change}))
    assert found.fate == fate


PAGE = [SPEND, SPEND]


@pytest.mark.parametrize(
    ("written", "indent"),
    [(PAGE, None), (PAGE, 2), ({"data": PAGE, "page": 1}, None), ({"page": 1, "data": PAGE}, 2)],
)
def test_lists_and_pages_are_read_as_lines_are(
    tmp_path: Path, written: Any, indent: int | None
) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps(written, indent=indent))
    assert [request.id for request in read(path)] == ["chatcmpl-1", "chatcmpl-1"]
    assert read(path)[1].where == f"{path}, entry 2"


def test_a_list_longer_than_a_piece_is_read_in_pieces(tmp_path: Path) -> None:
    entries = [{"model": "m", "prompt": "é" * 700, "id": number} for number in range(3000)]
    path = tmp_path / "log.json"
    path.write_text(json.dumps(entries, ensure_ascii=False))
    assert path.stat().st_size > 4_000_000
    assert [request.id for request in read(path)] == [str(number) for number in range(3000)]


def test_a_batchs_answers_are_joined_to_their_requests(tmp_path: Path) -> None:
    asked = write(tmp_path / "in.jsonl", BATCH_IN, {**BATCH_IN, "custom_id": "b"})
    failed = {"custom_id": "c", "response": None, "error": {"code": "expired"}}
    answered = write(tmp_path / "out.jsonl", BATCH_OUT, failed)
    a, b, c = read(asked, answered)
    assert a.models == ("gpt-4o", "gpt-4o-2024-08-06")
    assert a.request == ({"role": "user", "content": "Q"},)
    assert a.usage == Usage(5, 7, 2)
    assert (b.id, b.usage) == ("b", Usage())
    assert (c.id, c.fate, c.request) == ("c", "failed", None)


def test_one_custom_id_of_two_batches_is_refused(tmp_path: Path) -> None:
    asked = write(tmp_path / "in.jsonl", BATCH_IN)
    with pytest.raises(LogFormatError, match="custom_id 'a' is answered twice"):
        read(asked, write(tmp_path / "out.jsonl", BATCH_OUT, BATCH_OUT))


def test_a_request_beside_its_response_is_read(tmp_path: Path) -> None:
    pair = {"request": BATCH_IN["body"], "response": BATCH_OUT["response"]["body"]}  # type: ignore[index]
    (found,) = read(write(tmp_path / "log.jsonl", pair))
    assert (found.request, found.usage) == (({"role": "user", "content": "Q"},), Usage(5, 7, 2))


def test_gzipped_logs_are_read(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(OWN).encode()))
    assert read(path)[0].id == "q1"


def test_fields_a_user_names_lead_inwards(tmp_path: Path) -> None:
    line = {"model": "m", "eval": {"grade": 0.25}}
    (found,) = read(write(tmp_path / "log.jsonl", line), named=Named(score="eval.grade"))
    assert found.score == 0.25


@pytest.mark.parametrize(
    "text",
    ["2026-01-31T13:00:00+01:00", "2026-01-31 12:00:00", "2026-01-31T12:00:00.000Z", 1769860800,
     1769860800000],
)  # fmt: skip
def test_times_of_any_zone_are_one_time(text: Any) -> None:
    assert read_time_s(text, "time", "") == 1769860800.0


BAD = [
    ({**OWN, "prompt_tokens": -1}, "'prompt_tokens' is -1, not a whole number of at least 0"),
    ({**OWN, "cost_usd": float("nan")}, "'cost_usd' is nan, not a finite number"),
    ({**OWN, "latency_s": float("inf")}, "'latency_s' is inf, not a finite number"),
    ({**OWN, "score": 7}, "'score' is 7, not a number in \\[0, 1\\]"),
    ({**OWN, "time": "yesterday"}, "'time' is 'yesterday', not a time"),
    ({**OWN, "time": True}, "'time' is 'True', not a time"),
    ({**OWN, "propensity": 0}, "'propensity' is 0"),
    ({**OWN, "prompt": 3}, "the request is neither a text nor a list of chat messages"),
    ({**OWN, "messages": [{"content": "x"}]}, "neither a text nor a list of chat messages"),
    ({**SPEND, "endTime": "2026-01-31T11:00:00Z"}, "ends 3600.000 s before it begins"),
    ({**OWN, "tags": "a", "models": []}, "'models' is not an object"),
]


@pytest.mark.parametrize(("entry", "said"), BAD, ids=lambda value: str(value)[:30])
def test_what_cannot_be_stops_with_file_and_line(
    tmp_path: Path, entry: dict[str, Any], said: str
) -> None:
    path = write(tmp_path / "log.jsonl", entry)
    with pytest.raises(LogFormatError, match=said) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:1")


def test_mixed_forms_name_the_entry_and_both(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", OWN, SPEND)
    with pytest.raises(
        LogFormatError, match="read as llmroute, but this entry is litellm"
    ) as caught:
        read(path)
    assert caught.value.where == f"{path}:2"
    with pytest.raises(LogFormatError, match="the logs differ in form"):
        read(write(tmp_path / "a.jsonl", OWN), write(tmp_path / "b.jsonl", SPEND))


def test_an_unknown_form_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(LogFormatError, match="has an entry with the keys 'x', 'y'") as caught:
        read(write(tmp_path / "log.jsonl", {"x": 1, "y": 2}))
    assert caught.value.fix is not None
    assert all(name in caught.value.fix for name in ("litellm:", "llmroute:", "openai:"))


def test_outcomes_are_told_from_logs(tmp_path: Path) -> None:
    outcome = {"id": "1", "task": "t", "prompt": "p", "models": {"m": {"score": 1}}}
    with pytest.raises(LogFormatError, match="these are outcomes"):
        read(write(tmp_path / "log.jsonl", outcome))


def test_a_form_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LogFormatError, match="read as litellm, but this entry is llmroute"):
        read(write(tmp_path / "log.jsonl", OWN), form="litellm")
    with pytest.raises(UnknownName, match="unknown log form 'litelm'"):
        read(write(tmp_path / "log.jsonl", OWN), form="litelm")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the log is empty"),
        (b"\n\n", "the log is empty"),
        (b"[]", "the log is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "this is a binary file"),
        (b"\x1f\x8b\x08\x00 torn", "the compressed file is damaged"),
        (b"model,prompt\n", "not JSON"),
        (b'{"model": "m"}\n{"model": "m", ', "the last line ends in the middle"),
        (b'[{"model": "m"}', "the list has no end"),
        (b'[{"model": "m"}] x', "there is more after the list"),
        (b'[{"model": "m"} {}]', "stands where ',' should"),
        (b"[1]", "the entry is no JSON object"),
        (b'{"model": "\xff"}\n', "the text is not UTF-8"),
        (b"[" * 100_000, "nested too deeply|not JSON"),
    ],
)
def test_broken_files_say_what_is_wrong(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "log.json"
    path.write_bytes(content)
    with pytest.raises(LogFormatError, match=said):
        read(path)


def test_a_line_of_a_megabyte_is_read(tmp_path: Path) -> None:
    (found,) = read(write(tmp_path / "log.jsonl", {**OWN, "prompt": "x" * 1_000_000}))
    assert len(str(found.request)) == 1_000_000


def test_entries_are_read_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text('[{"model": "m"}, {"model": "m"}, {broken')
    entries = read_entries(path)
    assert next(entries)[1] == next(entries)[1] == {"model": "m"}
    with pytest.raises(LogFormatError, match="not JSON"):
        next(entries)
