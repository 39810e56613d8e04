from __future__ import annotations

import random

import pytest

from llmroute.errors import StoreError
from llmroute.records import Completion
from llmroute.store import StoreReader, StoreStats, StoreWriter


def fill(path, calls, output="x"):
    with StoreWriter.open(path) as writer:
        for call in calls:
            writer.put_answer(call, Completion(call.key, output))


def test_only_answered_keys_are_reported(store_path, make_call):
    calls = [make_call(str(number)) for number in range(1200)]
    fill(store_path, calls[:700])
    with StoreReader.open(store_path) as reader:
        found = reader.answered(call.key for call in calls)
    assert found == {call.key for call in calls[:700]}


def test_a_key_asked_for_twice_is_answered_once(store_path, make_call):
    call = make_call("a")
    fill(store_path, [call])
    with StoreReader.open(store_path) as reader:
        assert len(list(reader.completions([call.key] * 3))) == 1


def test_a_reader_sees_what_is_flushed_while_the_writer_goes_on(store_path, make_call):
    first, second = make_call("a"), make_call("b")
    with StoreWriter.open(store_path) as writer:
        writer.put_answer(first, Completion(first.key, "x"))
        writer.flush()
        with StoreReader.open(store_path) as reader:
            assert reader.answered([first.key, second.key]) == {first.key}
            writer.put_answer(second, Completion(second.key, "x"))
            writer.flush()
            assert reader.answered([first.key, second.key]) == {first.key, second.key}


def test_a_missing_store_says_what_makes_one(store_path):
    with pytest.raises(StoreError, match="there is no store here") as caught:
        StoreReader.open(store_path)
    assert "llmroute bench" in str(caught.value)
    assert not store_path.exists()


def test_stats_count_everything(store_path, make_call):
    fill(store_path, [make_call("a"), make_call("b"), make_call("c", model="openai/n")])
    with StoreReader.open(store_path) as reader:
        stats = reader.stats()
    assert stats == StoreStats(
        answers=3,
        failures=0,
        attempts=0,
        requests=1,
        scores=0,
        suites=0,
        runs=0,
        size_bytes=stats.size_bytes,
        answers_by_model={"openai/m": 2, "openai/n": 1},
    )
    assert stats.size_bytes >= 8192


def test_a_store_in_a_folder_nobody_may_write_to_can_be_read(open_folder, make_call, unprivileged):
    call = make_call("a")
    fill(open_folder / "store.db", [call])
    (open_folder / "store.db").chmod(0o644)
    with unprivileged(), StoreReader.open(open_folder / "store.db") as reader:
        assert reader.answered([call.key]) == {call.key}


def test_a_path_with_uri_characters_is_a_path(tmp_path, make_call):
    call = make_call("a")
    path = tmp_path / "50% off?mode=rwc#1.db"
    fill(path, [call])
    with StoreReader.open(path) as reader:
        assert reader.answered([call.key]) == {call.key}


def test_damage_is_found_and_named(store_path, make_call):
    fill(store_path, [make_call(str(n), f"p {n}") for n in range(500)], "x" * 500)
    content = bytearray(store_path.read_bytes())
    noise = random.Random(0)
    for offset in range(3 * 8192, len(content), 8192):
        content[offset : offset + 64] = noise.randbytes(64)
    store_path.write_bytes(content)
    with StoreReader.open(store_path) as reader:
        assert reader.damage() != ()
        with pytest.raises(StoreError) as caught:
            list(reader.completions([make_call(str(n)).key for n in range(500)]))
    assert "malformed" in str(caught.value)
    assert "The file is damaged" in str(caught.value)


def test_a_whole_store_has_no_damage(store_path, make_call):
    fill(store_path, [make_call("a")])
    with StoreReader.open(store_path) as reader:
        assert reader.damage() == ()


def test_a_store_cut_short_is_damaged_not_empty(store_path, make_call):
    fill(store_path, [make_call(str(n), f"p {n}") for n in range(500)], "x" * 500)
    store_path.write_bytes(store_path.read_bytes()[:20_000])
    with pytest.raises(StoreError, match="malformed"), StoreReader.open(store_path) as reader:
        reader.answered([make_call("0").key])
