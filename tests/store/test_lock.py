from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from llmroute.errors import StoreBusy
from llmroute.store import StoreWriter
from llmroute.store.lock import hold_lock, lock_path

HOLD = """
import sys, time
from llmroute.store import StoreWriter
StoreWriter.open(sys.argv[1], command="llmroute bench")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(store_path):
    """Another process that holds the store."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_bench_is_told_who_holds_the_store(store_path, holder):
    with pytest.raises(StoreBusy) as caught:
        StoreWriter.open(store_path)
    message = str(caught.value)
    assert f"in use by process {holder.pid} (llmroute bench), started " in message
    assert " s ago" in message
    assert caught.value.exit_code == 2


def test_the_lock_of_a_killed_process_is_taken_over(store_path, holder):
    holder.kill()
    holder.wait()
    assert str(holder.pid) in lock_path(store_path).read_text()
    with StoreWriter.open(store_path):
        assert f'"pid": {os.getpid()}' in lock_path(store_path).read_text()


def test_a_closed_store_can_be_opened_again(store_path):
    StoreWriter.open(store_path).close()
    StoreWriter.open(store_path).close()
    assert lock_path(store_path).read_text() == ""


def test_a_store_that_fails_to_open_is_not_left_locked(store_path):
    store_path.write_text("no database")
    with pytest.raises(Exception, match="not a database"):
        StoreWriter.open(store_path)
    store_path.unlink()
    StoreWriter.open(store_path).close()


def test_waiting_gets_the_store_once_it_is_free(store_path):
    first = hold_lock(store_path, command="first", started_s=0.0)
    threading.Timer(0.2, first.release).start()
    second = hold_lock(store_path, command="second", started_s=0.0, wait_s=30.0)
    assert "second" in lock_path(store_path).read_text()
    second.release()


def test_waiting_ends(store_path):
    lock = hold_lock(store_path, command="first", started_s=time.time() - 7300)
    with pytest.raises(StoreBusy, match=r"first\), started 2.0 h ago"):
        hold_lock(store_path, command="second", started_s=time.time(), wait_s=0.15)
    lock.release()


@pytest.mark.parametrize("text", ["", "[]", '{"pid": 1}', "half a {"])
def test_an_unreadable_holder_is_another_process(store_path, text):
    lock = hold_lock(store_path, command="first", started_s=0.0)
    lock_path(store_path).write_text(text)
    with pytest.raises(StoreBusy, match="in use by another process"):
        hold_lock(store_path, command="second", started_s=0.0)
    lock.release()
