from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llmroute.store import StoreWriter

Invoke = Callable[..., Any]
Configure = Callable[..., Path]

STORE = ".llmroute/store.db"


@pytest.fixture
def models(chat_server: Any, configure: Configure, colour_in: Any) -> Any:
    """Candidates a and b on one endpoint, both right."""
    chat_server.script = colour_in
    common = (
        f"api_base: '{chat_server.url}', price: {{input_usd_per_mtok: 1, output_usd_per_mtok: 1}}"
    )
    configure(
        f"  - {{model: openai/a, name: a, {common}}}\n  - {{model: openai/b, name: b, {common}}}"
    )
    return chat_server


def overwrite_table(store: Path, table: str) -> None:
    with closing(sqlite3.connect(store)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        (page,) = connection.execute(query, (table,)).fetchone()
    content = bytearray(store.read_bytes())
    content[(page - 1) * 8192 : page * 8192] = b"\x07" * 8192
    store.write_bytes(content)


def stats(llmroute: Invoke) -> Any:
    return json.loads(llmroute("store", "stats", "--json").stdout)


def test_stats_say_what_is_kept(models: Any, llmroute: Invoke) -> None:
    llmroute("bench", "-n", 5, "-q")
    shown = llmroute("store", "stats")
    assert shown.exit_code == 0
    assert re.search(r"\n +10  answers\n +0  calls without an answer", shown.stdout)
    assert "openai/a" in shown.stdout
    found = stats(llmroute)
    assert found["version"] == 1
    assert found["answers_by_model"] == {"openai/a": 5, "openai/b": 5}
    assert (found["answers"], found["requests"], found["scores"], found["runs"]) == (10, 5, 10, 1)
    assert found["last_run"]["state"] == "finished"
    assert found["size_bytes"] > 0


@pytest.mark.parametrize("command", ["stats", "prune", "verify"])
def test_without_a_store_each_command_says_what_makes_one(
    folder: Path, llmroute: Invoke, command: str
) -> None:
    result = llmroute("store", command)
    assert result.exit_code == 3
    assert "llmroute bench" in result.stderr
    assert not (folder / ".llmroute").exists()


def test_prune_says_what_would_go_and_deletes_only_with_yes(models: Any, llmroute: Invoke) -> None:
    llmroute("bench", "-q")
    llmroute("bench", "-n", 5, "-q")
    said = llmroute("store", "prune", "--keep-runs", 1)
    assert said.exit_code == 0
    assert "Would be deleted:\n         70  answers" in said.stdout
    assert "Add --yes" in said.stderr
    assert stats(llmroute)["answers"] == 80
    done = llmroute("store", "prune", "--keep-runs", 1, "--yes")
    assert "Deleted:\n         70  answers" in done.stdout
    found = stats(llmroute)
    assert (found["answers"], found["runs"], found["suites"]) == (10, 1, 1)


def test_pruning_never_takes_what_the_last_run_uses(models: Any, llmroute: Invoke) -> None:
    llmroute("bench", "-q")
    for options in (("--older-than", 0), ("--candidate", "a"), ("--keep-runs", 1)):
        result = llmroute("store", "prune", *options, "--yes", "--json")
        assert json.loads(result.stdout)["answers"] == 0
    models.requests.clear()
    assert llmroute("bench", "--offline", "-q").exit_code == 0
    assert models.requests == []


def test_a_candidate_no_run_needs_any_more_is_pruned_alone(models: Any, llmroute: Invoke) -> None:
    llmroute("bench", "-q")
    llmroute("bench", "--candidate", "a", "-q")
    assert llmroute("store", "prune", "--candidate", "b", "--yes").exit_code == 0
    found = stats(llmroute)
    assert found["answers_by_model"] == {"openai/a": 40}
    assert found["runs"] == 2


def test_prune_wants_to_be_told_what_and_by_the_right_name(models: Any, llmroute: Invoke) -> None:
    llmroute("bench", "-n", 2, "-q")
    vague = llmroute("store", "prune", "--yes")
    assert (vague.exit_code, "--keep-runs N" in vague.stderr) == (2, True)
    typo = llmroute("store", "prune", "--candidate", "aa", "--yes")
    assert (typo.exit_code, "Did you mean 'a'?" in typo.stderr) == (2, True)
    assert stats(llmroute)["answers"] == 4


def test_verify_passes_a_whole_store(models: Any, llmroute: Invoke) -> None:
    llmroute("bench", "-n", 5, "-q")
    result = llmroute("store", "verify")
    assert result.exit_code == 0
    assert "whole, 10 answers" in result.stdout


def test_a_damaged_store_is_named_salvaged_and_gone_on_with(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    llmroute("bench", "-q")
    store = folder / STORE
    overwrite_table(store, "requests")
    found = llmroute("store", "verify")
    assert found.exit_code == 3
    assert "damaged" in found.stdout
    assert re.search(r"answers +80 +0\n", found.stdout)
    assert "80 answers can be saved" in found.stderr
    saved = llmroute("store", "verify", "--salvage", "saved.db")
    assert saved.exit_code == 0, saved.stderr
    assert "80 answers are in saved.db" in saved.stderr
    store.unlink()
    (folder / "saved.db").rename(store)
    models.requests.clear()
    assert llmroute("bench", "-q").exit_code == 0
    assert models.requests == []


def test_refresh_asks_again_and_the_new_answers_count(
    models: Any, llmroute: Invoke, folder: Path, colour_in: Any
) -> None:
    llmroute("bench", "-q")
    models.requests.clear()
    models.script = lambda asked: "purple" if asked.body["model"] == "b" else colour_in(asked)
    result = llmroute("bench", "--refresh", "--candidate", "b", "-q", "--json")
    assert result.exit_code == 0
    assert len(models.requests) == 40
    assert stats(llmroute)["answers"] == 80
    outcomes = (folder / "llmroute-out/outcomes.jsonl").read_text().splitlines()
    assert json.loads(outcomes[0])["models"]["b"]["score"] == 0.0


def test_a_refresh_that_fails_keeps_the_old_answers(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    llmroute("bench", "-q")
    models.script = lambda asked: models.reply({"error": {"message": "no"}}, status=400)
    result = llmroute("bench", "--refresh", "-q", "--json")
    assert json.loads(result.stdout)["tasks"]["colours"]["evidence"]["quality"] == 1.0
    assert stats(llmroute)["answers"] == 80
    assert stats(llmroute)["attempts"] == 80


def test_refresh_and_offline_exclude_each_other(models: Any, llmroute: Invoke) -> None:
    result = llmroute("bench", "--refresh", "--offline")
    assert result.exit_code == 2
    assert "Leave one of them out" in result.stderr


def test_a_second_bench_is_told_who_holds_the_store_or_waits(
    models: Any, llmroute: Invoke, folder: Path
) -> None:
    (folder / ".llmroute").mkdir()
    writer = StoreWriter.open(folder / STORE, command="llmroute bench")
    busy = llmroute("bench", "-n", 1)
    assert busy.exit_code == 2
    assert "in use by process" in busy.stderr
    assert models.requests == []
    threading.Timer(0.5, writer.close).start()
    assert llmroute("bench", "-n", 1, "-q", "--wait", 30).exit_code == 0


def test_store_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nsys.argv = ['llmroute', 'store', '--help']\n"
        "from llmroute.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0, end.code\n"
        "print('LOADED', sorted({'litellm', 'pandas', 'sqlite3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"
