"""What lies behind a result: the run before it, and no run planned twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from llmroute.pipeline import benchmark, look_back, plan_run, remap
from llmroute.plan.matrix import Selection
from llmroute.recalling import last_finished
from llmroute.records import Candidate, Config, Failure
from llmroute.store.manifest import RunManifest, RunState
from llmroute.store.writer import StoreWriter

KINDS = ("rate_limited", "timed_out", "rate_limited", "rate_limited")
STARTED = "2026-11-22T07:45:01Z"


def run(run_id: str, state: RunState = "finished") -> RunManifest:
    return RunManifest(run_id, STARTED, state)


def test_of_two_runs_of_one_second_the_one_that_started_first_is_the_one_before() -> None:
    first, second = run("20261122T074501-f00000"), run("20261122T074501-000000")
    assert last_finished([first, second], second.run_id) == first
    assert last_finished([first, second], first.run_id) is None


def test_a_run_that_did_not_finish_is_passed_over() -> None:
    runs = [run("a"), run("b", "interrupted"), run("c", "failed"), run("d"), run("e")]
    assert last_finished(runs, "d") == runs[0]


class Silent:
    """A listener that says nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


def test_looking_back_plans_no_run_again(tmp_path: Path) -> None:
    suite = tmp_path / "suite.yaml"
    suite.write_text(
        "name: sums\ntask: sums\nmetric: exact\n"
        "samples: [{id: a, input: '1 + 1', target: '2'}, {id: b, input: '2 + 2', target: '4'}]\n"
    )
    config = Config((suite,), (Candidate("rules", "builtin/rules"),), store=tmp_path / "store.db")
    for second in (1, 2):
        benchmark(
            config,
            plan_run(config, Selection(), {}),
            env={},
            listener=Silent(),
            now=partial(datetime, 2026, 11, 22, 7, 45, second, tzinfo=UTC),
        )
    result = remap(config.store)
    with sqlite3.connect(config.store) as store:
        store.execute("DELETE FROM suites")  # no plan can be made of them now
    background = look_back(config.store, result)
    assert background.change is not None
    assert [task.task for task in background.change.tasks] == ["sums"]


def test_failed_attempts_are_counted_by_candidate_and_kind(tmp_path: Path) -> None:
    suite = tmp_path / "suite.yaml"
    suite.write_text(
        "name: sums\ntask: sums\nmetric: exact\n"
        "samples: [{id: a, input: '1 + 1', target: '2'}, {id: b, input: '2 + 2', target: '4'}]\n"
    )
    config = Config((suite,), (Candidate("rules", "builtin/rules"),), store=tmp_path / "store.db")
    plan = plan_run(config, Selection(), {})
    benchmark(
        config, plan, env={}, listener=Silent(),
        now=partial(datetime, 2026, 11, 22, 7, 45, 1, tzinfo=UTC),
    )  # fmt: skip
    other = replace(plan.calls[0], key="ab" * 32)
    with StoreWriter.open(config.store) as store:
        for call, kind in zip((*plan.calls, plan.calls[0], other), KINDS, strict=True):
            store.put_attempt(call, Failure(call.key, kind, "busy", 429))
    found = look_back(config.store, remap(config.store)).attempts
    assert found == {("rules", "rate_limited"): 2, ("rules", "timed_out"): 1}
