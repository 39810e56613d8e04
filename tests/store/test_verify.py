from __future__ import annotations

import random
import sqlite3
from contextlib import closing

import pytest

from llmroute.errors import ConfigError, StoreError, StoreTooNew
from llmroute.records import Completion, Sample, Score, Suite
from llmroute.store import (
    Health,
    RunManifest,
    StoreReader,
    StoreWriter,
    salvage_store,
    verify_store,
)
from llmroute.store.schema import MIGRATIONS, bring_up_to_date

PAGE = 8192


@pytest.fixture
def calls(store_path, make_call):
    """600 scored answers to 600 prompts of some length, a suite and a run."""
    calls = [make_call(str(n), f"prompt {n} " + "y" * 200) for n in range(600)]
    with StoreWriter.open(store_path) as writer:
        writer.put_suite(Suite("s", "t", (Sample("a", "b"),)))
        writer.start_run(RunManifest("run1", "2026-11-22T00:00:00Z"))
        for n, call in enumerate(calls):
            writer.put_answer(call, Completion(call.key, f"answer {n} " + "x" * 300))
            writer.put_scores([(call.key, "exact", Score(1.0))])
    return calls


def pages_of(path, table):
    """Numbers of a table's pages, the root first, from 1."""
    with closing(sqlite3.connect(path)) as connection:
        try:
            query = "SELECT pageno FROM dbstat WHERE name = ? ORDER BY path"
            return [page for (page,) in connection.execute(query, (table,))]
        except sqlite3.OperationalError:
            pytest.skip("this SQLite has no dbstat table")


def overwrite(path, pages):
    content = bytearray(path.read_bytes())
    noise = random.Random(0)
    for page in pages:
        content[(page - 1) * PAGE : page * PAGE] = noise.randbytes(PAGE)
    path.write_bytes(content)


def saved_outputs(path, calls):
    with StoreReader.open(path) as reader:
        assert reader.damage() == ()
        return {answer.key: answer.output for answer in reader.completions(c.key for c in calls)}


def test_a_whole_store_has_no_problems_and_all_its_rows(store_path, calls):
    health = verify_store(store_path)
    assert health.problems == ()
    assert {t.name: (t.readable, t.lost) for t in health.tables} == {
        "calls": (600, 0),
        "words": (2, 0),
        "requests": (600, 0),
        "answers": (600, 0),
        "failures": (0, 0),
        "scores": (600, 0),
        "attempts": (0, 0),
        "suites": (1, 0),
        "runs": (1, 0),
    }


def test_verifying_changes_nothing(store_path, calls):
    overwrite(store_path, pages_of(store_path, "answers")[2:4])
    before = store_path.read_bytes()
    verify_store(store_path)
    assert store_path.read_bytes() == before


def test_damaged_pages_cost_their_own_rows_only(store_path, calls, tmp_path):
    pages = pages_of(store_path, "answers")
    overwrite(store_path, [pages[3], pages[9]])
    health = verify_store(store_path)
    assert health.problems
    answers = next(table for table in health.tables if table.name == "answers")
    assert answers.readable + answers.lost == 600
    assert 0 < answers.lost < 80
    target = tmp_path / "saved.db"
    assert salvage_store(store_path, target) == health
    outputs = saved_outputs(target, calls)
    assert len(outputs) == answers.readable
    for n, call in enumerate(calls):
        assert outputs.get(call.key, f"answer {n} " + "x" * 300) == f"answer {n} " + "x" * 300
    assert verify_store(target).problems == ()


def test_answers_survive_the_loss_of_other_tables_and_of_the_last_page(store_path, calls, tmp_path):
    overwrite(
        store_path,
        [*pages_of(store_path, "requests")[2:5], pages_of(store_path, "answers")[-1]],
    )
    health = salvage_store(store_path, tmp_path / "saved.db")
    answers = next(table for table in health.tables if table.name == "answers")
    assert answers.lost is None
    assert 540 < answers.readable < 600
    assert len(saved_outputs(tmp_path / "saved.db", calls)) == answers.readable


def test_answers_whose_key_is_lost_are_not_saved(store_path, calls, tmp_path):
    pages = pages_of(store_path, "calls")
    assert len(pages) > 2
    overwrite(store_path, [pages[2]])
    health = salvage_store(store_path, tmp_path / "saved.db")
    keys = next(table for table in health.tables if table.name == "calls")
    assert 0 < keys.readable < 600
    assert health.answers == keys.readable == len(saved_outputs(tmp_path / "saved.db", calls))


def test_a_store_cut_short_gives_what_is_left(store_path, calls, tmp_path):
    content = store_path.read_bytes()
    store_path.write_bytes(content[: len(content) * 2 // 3 // PAGE * PAGE])
    health = salvage_store(store_path, tmp_path / "saved.db")
    assert health.problems
    assert 0 < health.answers < 600
    assert len(saved_outputs(tmp_path / "saved.db", calls)) == health.answers


def test_nothing_can_be_saved_of_a_file_that_is_no_database(store_path):
    store_path.write_bytes(b"\0" * 50_000)
    store_path.write_bytes(random.Random(1).randbytes(50_000))
    health = verify_store(store_path)
    assert health == Health(
        ("the store cannot be read: file is not a database (SQLITE_NOTADB)",), ()
    )
    assert health.answers == 0


def test_a_salvaged_store_is_private_and_takes_new_answers(store_path, calls, make_call, tmp_path):
    target = tmp_path / "saved.db"
    salvage_store(store_path, target)
    assert target.stat().st_mode & 0o777 == 0o600
    new = make_call("new")
    with StoreWriter.open(target) as writer:
        writer.put_answer(new, Completion(new.key, "later"))
    with StoreReader.open(target) as reader:
        assert reader.answered([new.key, calls[0].key]) == {new.key, calls[0].key}
        assert reader.last_run().run_id == "run1"
        assert reader.scores([(calls[0].key, "exact")]) == {(calls[0].key, "exact"): Score(1.0)}


def test_salvage_never_overwrites(store_path, calls, tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        salvage_store(store_path, tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_run_that_cannot_be_read_is_named(store_path, calls):
    with closing(sqlite3.connect(store_path)) as connection, connection:
        connection.execute("UPDATE runs SET manifest = '{half'")
        connection.execute("UPDATE suites SET content = x'00'")
    problems = verify_store(store_path).problems
    assert any(problem.startswith("runs: run1 cannot be read") for problem in problems)
    assert any(problem.startswith("suites: ") for problem in problems)


def test_a_newer_store_and_a_folder_are_refused(store_path, calls, tmp_path):
    with closing(sqlite3.connect(store_path)) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(StoreTooNew):
        verify_store(store_path)
    with pytest.raises(StoreError, match="this is a folder"):
        verify_store(tmp_path)


def test_another_programs_database_is_not_verified(store_path):
    with closing(sqlite3.connect(store_path)) as other:
        bring_up_to_date(other, store_path, MIGRATIONS)
        other.execute("PRAGMA application_id=7")
    with pytest.raises(StoreError, match="not a store of llmroute's"):
        verify_store(store_path)
