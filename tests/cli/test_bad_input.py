"""What bad input gets: what, where and how to mend it, the right exit code, and nothing lost."""

from __future__ import annotations

import json
import os
import re
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmroute.store import StoreReader

Invoke = Callable[..., Any]
Configure = Callable[..., Path]

STORE = Path(".llmroute/store.db")


@pytest.fixture
def good(chat_server: Any, configure: Configure, colour_in: Any) -> Any:
    """One priced candidate, `m`, that answers rightly; tried once."""
    chat_server.script = colour_in
    configure(
        f"  - {{model: openai/m, name: m, api_base: '{chat_server.url}', "
        "price: {input_usd_per_mtok: 1, output_usd_per_mtok: 1}, "
        "limits: {max_attempts: 1, timeout_s: 10}}"
    )
    return chat_server


def assert_words(result: Any, exit_code: int, *words: str) -> None:
    assert result.exit_code == exit_code, result.stderr
    for word in words:
        assert word in result.stderr
    assert "Traceback" not in result.stderr + result.stdout
    assert "bug in llmroute" not in result.stderr


def n_answers(folder: Path) -> int:
    with StoreReader.open(folder / STORE) as reader:
        return reader.stats().answers


def failure_kinds(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / STORE)) as connection:
        query = "SELECT w.text FROM failures f JOIN words w ON w.id = f.kind"
        return [kind for (kind,) in connection.execute(query)]


# -- what a person wrote --------------------------------------------------------------------------

BROKEN_CONFIGS = {
    "suites: [a.yaml\ncandidates: [b]": "llmroute.yaml:",
    "suites: [a.yaml]\n\tcandidates: [b]": "llmroute.yaml:2:1",
    "suites: &a [*a, *a]\ncandidates: [b]": "llmroute.yaml:1",
    "[" * 30_000: "llmroute.yaml:1",
    "suites: [s]\nsuites: [t]\ncandidates: [b]": "llmroute.yaml:2",
    "suites: [s]\ncandidats: [b]": "'candidates'",
    "suites: [s]\ncandidates: []": "candidates",
    "": "llmroute.yaml",
    "- 1": "llmroute.yaml",
    "\x00": "llmroute.yaml",
    "suites: !!python/object/apply:os.system ['touch hacked']\ncandidates: [b]": "llmroute.yaml:1",
}


@pytest.mark.parametrize("text", BROKEN_CONFIGS, ids=lambda text: repr(text[:30]))
def test_a_broken_or_hostile_configuration_is_refused_with_its_place(
    folder: Path, llmroute: Invoke, text: str
) -> None:
    (folder / "llmroute.yaml").write_text(text)
    assert_words(llmroute("bench"), 2, BROKEN_CONFIGS[text])
    assert not (folder / "hacked").exists()
    assert not (folder / STORE).exists()


def test_a_configuration_that_is_no_text_is_refused(folder: Path, llmroute: Invoke) -> None:
    (folder / "llmroute.yaml").write_bytes(b"suites: \xff\xfe\x00")
    assert_words(llmroute("bench"), 2, "llmroute.yaml")


@pytest.mark.parametrize("amount", ["-1", ".nan", ".inf", "much", "'5'", "[1]"])
@pytest.mark.parametrize("name", ["max_usd", "confirm_usd"])
def test_a_budget_is_a_finite_number_of_dollars(
    good: Any, folder: Path, llmroute: Invoke, name: str, amount: str
) -> None:
    config = folder / "llmroute.yaml"
    config.write_text(config.read_text() + f"budget: {{{name}: {amount}}}\n")
    assert_words(llmroute("bench"), 2, f"'{name}'", "llmroute.yaml:4:")
    assert good.requests == []


@pytest.mark.parametrize("limit", ["rpm", "tpm", "concurrency", "timeout_s", "max_attempts"])
@pytest.mark.parametrize("value", ["0", "-5", ".nan"])
def test_a_limit_of_zero_is_no_limit(
    good: Any, folder: Path, llmroute: Invoke, limit: str, value: str
) -> None:
    config = folder / "llmroute.yaml"
    config.write_text(config.read_text() + f"limits: {{{limit}: {value}}}\n")
    assert_words(llmroute("bench"), 2, limit, "llmroute.yaml:")
    assert good.requests == []


@pytest.mark.parametrize(
    "option",
    [
        ("--limit", "0"),
        ("--limit", "-3"),
        ("--repeats", "0"),
        ("--wait", "-1"),
        ("--confidence", "nan"),
        ("--threshold", "nan"),
    ],
)
def test_an_option_out_of_its_range_is_refused(
    good: Any, llmroute: Invoke, option: tuple[str, str]
) -> None:
    result = llmroute("bench", *option)
    assert_words(result, 2)
    assert option[0] in result.stderr
    assert good.requests == []


BROKEN_SUITES = {
    "a template that names a field no sample has": (
        ("{{ input }}", "{{ inpt }}"),
        ("inpt", "colours.yaml"),
    ),
    "a template that is no template": (("{{ input }}", "{{ input "), ("colours.yaml",)),
    "a template that reaches out": (("{{ input }}", "{{ input.__class__ }}"), ("colours.yaml",)),
    "an unknown metric": (
        ("metric: exact", "metric: exakt"),
        ("exakt", "Did you mean 'exact'?", "colours.yaml:"),
    ),
    "a metric without a target": (
        (", target: red, difficulty: easy", ", difficulty: easy"),
        ("target", "c0", "colours.yaml"),
    ),
    "a bar beyond 1": (("quality_threshold: 0.5", "quality_threshold: 5"), ("quality_threshold",)),
    "an unknown key": (("task: colours", "tsk: colours"), ("Did you mean 'task'", "colours.yaml:")),
    "two samples of one id": (("id: c1,", "id: c0,"), ("c0", "colours.yaml:")),
}


@pytest.mark.parametrize("fault", BROKEN_SUITES)
def test_a_broken_suite_is_refused_before_any_call(
    good: Any, suite: Path, llmroute: Invoke, fault: str
) -> None:
    (old, new), words = BROKEN_SUITES[fault]
    assert old in suite.read_text()
    suite.write_text(suite.read_text().replace(old, new, 1))
    result = llmroute("bench")
    assert_words(result, 2)
    for word in words:
        assert word.removesuffix("?") in result.stderr, result.stderr
    assert good.requests == []


def test_a_suite_without_samples_is_refused(good: Any, suite: Path, llmroute: Invoke) -> None:
    suite.write_text(suite.read_text().partition("samples:")[0] + "samples: []\n")
    assert_words(llmroute("bench"), 2, "samples", "colours.yaml:")
    suite.write_text(suite.read_text().partition("samples:")[0] + "samples: none.jsonl\n")
    assert_words(llmroute("bench"), 2, "none.jsonl")


def test_a_pattern_that_finds_no_suite_is_refused(
    good: Any, folder: Path, llmroute: Invoke
) -> None:
    config = folder / "llmroute.yaml"
    config.write_text(config.read_text().replace("suites/*.yaml", "suits/*.yaml"))
    assert_words(llmroute("bench"), 2, "suits/*.yaml")


def test_an_unpriced_model_is_never_routed_to_and_told_how_to_be_priced(
    good: Any, folder: Path, llmroute: Invoke
) -> None:
    config = folder / "llmroute.yaml"
    config.write_text(re.sub(r"price: \{[^}]*\}, ", "", config.read_text()))
    result = llmroute("bench", "--json")
    assert_words(result, 0)
    task = json.loads(result.stdout)["tasks"]["colours"]
    assert task["verdict"] == "fallback"
    assert task["evidence"]["cost_usd_per_1k"] is None


# -- what an endpoint sends -----------------------------------------------------------------------

FAULTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "HTML": ("malformed_answer", lambda s: s.reply(b"<html>hello</html>")),
    "an HTML error page": ("server_error", lambda s: s.reply(b"<html>oops</html>", status=502)),
    "half a JSON": ("malformed_answer", lambda s: s.reply(b'{"choices": [{"mess')),
    "nothing": ("malformed_answer", lambda s: s.reply(b"")),
    "an empty choice list": ("malformed_answer", lambda s: s.reply(s.answer(choices=[]))),
    "no choices": ("malformed_answer", lambda s: s.reply({"usage": {}})),
    "a list": ("malformed_answer", lambda s: s.reply([1, 2])),
    "bytes that are no text": ("malformed_answer", lambda s: s.reply(b"\xff\xfe\x00\x01")),
    "silence": ("timed_out", lambda s: s.reply(fault="hang")),
    "a byte now and then": ("timed_out", lambda s: s.reply(s.answer(), fault="trickle")),
    "a reset": ("connection", lambda s: s.reply(fault="reset")),
    "a broken-off body": ("connection", lambda s: s.reply(s.answer(), fault="cut")),
    "not found": ("not_found", lambda s: s.reply({"error": {"message": "no model"}}, status=404)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_endpoint_ends_in_words_and_costs_no_stored_answer(
    good: Any, folder: Path, llmroute: Invoke, fault: str, colour_in: Any
) -> None:
    assert llmroute("bench", "-n", 4, "-q").exit_code == 0
    kind, reply = FAULTS[fault]
    if kind == "timed_out":
        config = folder / "llmroute.yaml"
        config.write_text(config.read_text().replace("timeout_s: 10", "timeout_s: 0.3"))
    good.script = lambda asked: reply(good)
    result = llmroute("bench", "-n", 8)
    assert_words(result, 3, "4 of 8 calls have no answer", "Run the same command again")
    assert n_answers(folder) == 4
    assert failure_kinds(folder) == [kind] * 4
    rows = (folder / "llmroute-out/outcomes.jsonl").read_text()
    assert rows.count('"score": 1.0') + rows.count('"score":1.0') == 4
    good.script = colour_in
    good.requests.clear()
    if kind == "timed_out":
        config.write_text(config.read_text().replace("timeout_s: 0.3", "timeout_s: 10"))
    assert llmroute("bench", "-n", 8, "-q").exit_code == 0
    assert len(good.requests) == 4


def test_an_endpoint_that_refuses_connections_names_its_address(
    good: Any, folder: Path, llmroute: Invoke
) -> None:
    assert llmroute("bench", "-n", 4, "-q").exit_code == 0
    config = folder / "llmroute.yaml"
    config.write_text(config.read_text().replace(good.url, "http://127.0.0.1:9/v1"))
    result = llmroute("bench", "-n", 4)
    assert_words(result, 3, "m is not asked any more", "127.0.0.1:9", "Check that the server runs")
    assert n_answers(folder) == 4


@pytest.mark.parametrize(
    "usage", [None, {}, {"prompt_tokens": "many"}, {"prompt_tokens": -1, "completion_tokens": -1}]
)
def test_an_answer_without_usable_counts_is_kept_and_priced_by_the_list(
    good: Any, llmroute: Invoke, folder: Path, usage: Any, colour_in: Any
) -> None:
    good.script = lambda asked: good.answer(colour_in(asked), usage=usage)
    result = llmroute("bench", "--json")
    assert_words(result, 0)
    task = json.loads(result.stdout)["tasks"]["colours"]
    assert task["evidence"]["quality"] == 1.0
    assert task["evidence"]["cost_basis"] == "list_price"
    assert n_answers(folder) == 40


def test_counts_that_are_no_numbers_are_no_free_calls(
    good: Any, llmroute: Invoke, folder: Path
) -> None:
    body = json.dumps(good.answer("red")).replace('"prompt_tokens": 7', '"prompt_tokens": NaN')
    good.script = lambda asked: good.reply(body.encode())
    result = llmroute("bench", "--json")
    assert result.exit_code in (0, 3)
    assert "Traceback" not in result.stderr
    document = json.loads(result.stdout)
    assert document["tasks"]["colours"]["evidence"]["cost_basis"] == "list_price"


# -- the store and the disk -----------------------------------------------------------------------


def test_a_store_of_a_newer_version_is_left_alone(
    good: Any, folder: Path, llmroute: Invoke
) -> None:
    llmroute("bench", "-n", 2, "-q")
    with closing(sqlite3.connect(folder / STORE)) as connection:
        connection.execute("PRAGMA user_version=99")
    before = (folder / STORE).read_bytes()
    good.requests.clear()
    for command in (["bench"], ["map"], ["report"], ["store", "stats"], ["store", "verify"]):
        assert_words(llmroute(*command), 2, "version 99", "Upgrade llmroute")
    assert (folder / STORE).read_bytes() == before
    assert good.requests == []


def test_a_corrupt_store_names_the_command_that_saves_what_it_can(
    good: Any, folder: Path, llmroute: Invoke
) -> None:
    llmroute("bench", "-n", 2, "-q")
    content = (folder / STORE).read_bytes()
    (folder / STORE).write_bytes(content[:4096] + b"\x13" * (len(content) - 4096))
    good.requests.clear()
    for command in ("bench", "map", "report"):
        assert_words(llmroute(command), 3, "store.db", "llmroute store verify")
    assert good.requests == []


def test_a_store_that_is_no_database_is_left_alone(
    good: Any, folder: Path, llmroute: Invoke
) -> None:
    (folder / STORE).parent.mkdir()
    (folder / STORE).write_text("dear diary")
    for command in (["bench"], ["map"], ["store", "verify"]):
        result = llmroute(*command)
        assert result.exit_code == 3
        assert "not a database" in result.stderr + result.stdout
    assert (folder / STORE).read_text() == "dear diary"
    assert good.requests == []


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("suites", "This is a folder: name a file for the store"),
        ("llmroute.yaml/store.db", "A part of this path is a file, not a folder"),
        ("x" * 300, "Choose a shorter name"),
        ("/proc/llmroute/store.db", "store.db"),
    ],
)
def test_a_store_path_that_is_no_place_for_a_file_says_so(
    good: Any, folder: Path, llmroute: Invoke, place: str, words: str
) -> None:
    config = folder / "llmroute.yaml"
    config.write_text(config.read_text() + f"store: {place}\n")
    assert_words(llmroute("bench"), 3, words)
    assert good.requests == []


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--out", "llmroute.yaml"), "is a file, not a folder"),
        (("-o", "llmroute.yaml/x.md"), "is a file, not a folder"),
        (("--record", "suites"), "This is a folder"),
    ],
)
def test_an_output_that_cannot_be_written_costs_no_answer(
    good: Any, folder: Path, llmroute: Invoke, option: tuple[str, str], words: str
) -> None:
    assert_words(llmroute("bench", *option), 3, words)
    assert n_answers(folder) == 40


def run_limited(folder: Path, file_bytes: int) -> subprocess.CompletedProcess[str]:
    """A bench whose files may not grow beyond a size, as on a full disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

    return subprocess.run(
        [sys.executable, "-m", "llmroute", "bench"],
        cwd=folder,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        timeout=120,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="file sizes are limited on Unix only")
def test_a_full_disk_ends_in_exit_3_and_the_same_command_goes_on(
    good: Any, folder: Path, llmroute: Invoke, colour_in: Any
) -> None:
    good.script = lambda asked: colour_in(asked) + " " * 3000
    done = run_limited(folder, 150_000)
    assert done.returncode == 3, done.stderr
    assert "store.db" in done.stderr
    assert "run the same command again" in done.stderr
    assert "Traceback" not in done.stderr
    with StoreReader.open(folder / STORE) as reader:
        assert reader.damage() == ()
        kept = reader.stats().answers
    assert kept < 40
    good.requests.clear()
    assert llmroute("bench", "-q").exit_code == 0
    assert len(good.requests) == 40 - kept


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a Unix user other than root is needed")
def test_a_folder_nobody_may_write_to_ends_in_exit_3_and_its_store_can_still_be_read(
    good: Any, folder: Path, llmroute: Invoke
) -> None:
    llmroute("bench", "-n", 4, "-q")
    before = (folder / STORE).read_bytes()
    with unprivileged(folder):
        assert_words(llmroute("bench", "-n", 8), 3, "Give this user write access")
        assert_words(llmroute("map", "--json"), 0)
        assert_words(llmroute("report"), 3, "Choose a folder you may write to")
    assert (folder / STORE).read_bytes() == before


@contextmanager
def unprivileged(folder: Path) -> Iterator[None]:
    """Nobody may write to the folder; root, who may anyway, is somebody else for the block."""
    inside = [folder, *folder.rglob("*")]
    made = ("pytest-", "popen-")  # pytest's own folders, which only their owner may enter
    above = {one: one.stat().st_mode for one in folder.parents if one.name.startswith(made)}
    for path in inside:
        path.chmod(0o555 if path.is_dir() else 0o444)
    for path, mode in above.items():
        path.chmod(mode | 0o055)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        for path, mode in above.items():
            path.chmod(mode)
        for path in inside:
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_the_map_of_an_interrupted_project_is_whole_yaml(
    good: Any, folder: Path, llmroute: Invoke
) -> None:
    good.script = lambda asked: good.reply(b"")
    llmroute("bench", "-n", 4)
    text = (folder / "llmroute-out/routing-map.yaml").read_text()
    assert yaml.safe_load(text)["tasks"]["colours"]["verdict"] == "fallback"
