"""The Python export, run by a bare interpreter beside llmroute's own Router."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmroute import Router
from llmroute.exporters.python import PythonModule
from llmroute.recogniser.rules import text_digest
from llmroute.records import Match

ASK = """
import json, sys
scope = {}
exec(compile(open(sys.argv[1], encoding="utf-8").read(), "export", "exec"), scope)
for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(scope["decide"](asked.pop("request"), **asked)))
"""
CODE = "Why?\nfor x in range(3):\n    print(x);\n"
REQUESTS = (
    "Please SUMMARISE  this.",
    "resummarised",
    "tl;dr",
    "TLDR please, and prove it",
    "Prove that 2 is even.",
    "Nothing in particular",
    "",
    "  \n",
    CODE,
    "```python\nprint(1)\n```",
    '{"name": "Ann", "age": 3}',
    'as json: {"name": "Ann", "age": 3} ok',
    "see [1] and [2]",
    "x" * 13_000 + " summary " + "y" * 13_000,
    "summary" + "x" * 13_000,
    "lone \ud800 surrogate, a summary",
    "什么是机器学习？",
    [{"role": "system", "content": "summarise"}, {"role": "user", "content": "hello"}],
    [{"role": "user", "content": [{"type": "text", "text": "a summary"}, {"type": "image"}]}],
    [{"role": "user", "content": None}],
    [{"role": "user", "content": "summary"}, {"role": "assistant", "content": "prove"}],
    "Record: prove it,\n summary as one\tline of it: ...",
    "as one line of it: summary Record:",
    [
        {"role": "developer", "content": "You  keep\nrecords."},
        {"role": "user", "content": "summary"},
    ],
    [],
)
SAID: tuple[dict[str, Any], ...] = (
    {},
    {"tags": ["summary"]},
    {"tags": ["maths", "other"]},
    {"tags": ["summary", "maths"]},
    {"metadata": {"task": "proofs"}},
    {"metadata": {"tags": ["summary"], "team": "x"}},
    {"metadata": {"tags": "maths"}},
    {"metadata": {"lane": 7}},
    {"task": "summaries"},
)


def exported(folder: Path, routing_map: Any) -> Path:
    path = folder / "route.py"
    path.write_text(PythonModule().render(routing_map), encoding="utf-8")
    return path


def ask_bare_python(path: Path, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the export decides in a process without site-packages and environment."""
    lines = "".join(json.dumps(one) + "\n" for one in asked)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ASK, str(path)],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def ruled_map(make_map):
    """A map whose rules have words, patterns and every condition."""
    given = make_map()
    matches = {
        "summaries": replace(given.matches["summaries"], max_chars=20_000),
        "proofs": Match(tags=("maths", "lane:7"), patterns=(r"(?i)\bprove\b",), min_chars=5),
        "code": Match(has_code=True),
        "records": Match(
            has_json=True,
            has_code=False,
            template=("Record:", "as one line of it"),
            system=text_digest("You keep records."),
        ),
    }
    more = tuple(replace(given.tasks[0], task=name) for name in ("code", "records"))
    return replace(given, tasks=(*given.tasks, *more), matches=matches)


def test_a_bare_interpreter_decides_as_the_router_does(ruled_map, tmp_path) -> None:
    router = Router.of(ruled_map)
    asked = [{"request": text, **said} for text, said in itertools.product(REQUESTS, SAID)]
    decided = ask_bare_python(exported(tmp_path, ruled_map), asked)
    assert len(decided) == len(REQUESTS) * len(SAID)
    for one, found in zip(asked, decided, strict=True):
        said = {key: value for key, value in one.items() if key != "request"}
        expected = router.decide(one["request"], **said)
        seen = (found["model"], found["task"], found["layer"], tuple(found["fallbacks"]))
        wanted = (expected.model, expected.task, expected.layer, expected.fallbacks)
        assert seen == wanted, one
        if expected.recognition and expected.task:
            assert found["reason"] == expected.recognition.reason, one
    layers = {found["layer"] for found in decided}
    assert layers == {"tag", "rule", "unknown"}


def test_a_map_of_one_task_needs_no_rule(make_map, tmp_path) -> None:
    given = make_map()
    single = replace(given, tasks=given.tasks[:1])
    [found] = ask_bare_python(exported(tmp_path, single), [{"request": "anything"}])
    assert (found["model"], found["layer"]) == ("small", "only_task")


def test_an_unknown_task_is_a_key_error(make_map, tmp_path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        ask_bare_python(exported(tmp_path, make_map()), [{"request": "x", "task": "nope"}])
    assert "KeyError: 'nope'" in failed.value.stderr


def test_it_says_how_each_candidate_is_called(make_map, tmp_path) -> None:
    scope: dict[str, Any] = {}
    exec(exported(tmp_path, make_map()).read_text(), scope)
    assert scope["MAP"]["models"]["small"] == {
        "model": "openai/gpt-4o-mini",
        "params": {"temperature": 0},
    }


def test_a_pattern_that_only_the_regex_package_knows_is_said_to_be_lost(make_map) -> None:
    given = make_map(matches={"proofs": Match(patterns=(r"\p{Greek}+",))})
    assert (
        "The pattern '\\\\p{Greek}+' of proofs: Python's own re does not know it."
        in PythonModule().cannot_carry(given)
    )
    scope: dict[str, Any] = {}
    exec(PythonModule().render(given), scope)
    assert scope["MAP"]["tasks"]["proofs"]["rule"]["searches"] == []
