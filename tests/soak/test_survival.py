"""A bench that dies at any moment goes on where it was, and ends as if it had never died."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from typing import Any

import pytest

from llmroute.store.writer import FLUSH_ROWS

CONCURRENCY = 16
"""As tests/soak/conftest.py has it."""
NewBench = Callable[[str, int], Any]


@pytest.mark.parametrize(
    ("kills", "samples"), [(5, 80), pytest.param(200, 300, marks=pytest.mark.soak)]
)
def test_killed_benches_ask_nothing_again_and_end_in_the_same_map(
    new_bench: NewBench, kills: int, samples: int
) -> None:
    unbroken = new_bench("unbroken", samples)
    unbroken.finish()
    server = unbroken.server
    lost: list[int] = []
    n_benches, bench = 1, new_bench("killed-1", samples)
    known: set[Any] = set()
    while len(lost) < kills:
        first = len(server.requests)
        code, _ = bench.stop(signal.SIGKILL, bench.some_time(first))
        known = check_round(bench, known, first, lost if code == -signal.SIGKILL else [])
        if len(known) == 2 * samples:
            bench.finish()
            assert bench.decided() == unbroken.decided()
            n_benches, known = n_benches + 1, set()
            bench = new_bench(f"killed-{n_benches}", samples)
    first = len(server.requests)
    bench.finish()
    assert set(bench.asked(first)) & known == set()
    assert bench.decided() == unbroken.decided()
    assert not list(bench.folder.rglob("*.tmp"))
    print(  # noqa: T201 - what `make soak` shows
        f"\n{kills} kills over {n_benches} benches: {sum(lost)} calls asked twice, "
        f"at most {max(lost)} after one kill"
    )


def check_round(bench: Any, known: set[Any], first: int, lost: list[int]) -> set[Any]:
    """Holds one killed round against the server's log; what is acknowledged after it."""
    asked = bench.asked(first)
    answered: set[Any] = bench.answered()
    assert len(asked) == len(set(asked)), "one bench asked one thing twice"
    assert set(asked) & known == set(), "an acknowledged answer was asked for again"
    assert known <= answered, "an acknowledged answer is gone"
    bench.check_files()
    lost.append(len(set(asked) - answered))
    # In flight, or answered and not yet committed, of which there are never more.
    assert lost[-1] <= CONCURRENCY + FLUSH_ROWS
    return answered


@pytest.mark.parametrize(
    ("interrupts", "samples"), [(3, 80), pytest.param(50, 300, marks=pytest.mark.soak)]
)
def test_an_interrupted_bench_keeps_what_it_asked_and_says_how_to_go_on(
    new_bench: NewBench, interrupts: int, samples: int
) -> None:
    unbroken = new_bench("unbroken", samples)
    unbroken.finish()
    server = unbroken.server
    n_benches, bench = 1, new_bench("interrupted-1", samples)
    n_interrupts = 0
    known: set[Any] = set()
    while n_interrupts < interrupts:
        first = len(server.requests)
        code, said = bench.stop(signal.SIGINT, bench.after_some_requests(first))
        asked = set(bench.asked(first))
        assert "Traceback" not in said
        assert not asked & known
        known = bench.answered()
        assert asked <= known, "what was in flight was not waited for"
        bench.check_files()
        if code == 130:
            n_interrupts += 1
            assert "Run the same command again to go on" in said
        else:
            assert (code, len(known)) == (0, 2 * samples), said
        if len(known) == 2 * samples:
            bench.finish()
            assert bench.decided() == unbroken.decided()
            n_benches, known = n_benches + 1, set()
            bench = new_bench(f"interrupted-{n_benches}", samples)
    bench.finish()
    assert bench.decided() == unbroken.decided()
    print(f"\n{interrupts} interrupts over {n_benches} benches: no call asked twice")  # noqa: T201


def test_an_interrupt_before_the_first_call_is_no_traceback(
    new_bench: NewBench,
) -> None:
    bench = new_bench("early", 300)
    process = bench.start()
    line = process.stderr.readline()
    assert re.search(r"600 calls", line)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in said
