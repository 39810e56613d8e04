"""The store → a run as it stands there, to be decided again; the runs before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

from llmroute.deciding import Decision, Result, decide_run
from llmroute.errors import InputError, LlmrouteError
from llmroute.outcomes.collect import collect_outcomes
from llmroute.plan.manifest import plan_digest, recall_plan
from llmroute.plan.matrix import Plan
from llmroute.records import MapChange, Outcomes
from llmroute.scores.answers import recall_scores
from llmroute.store.manifest import RunManifest, utc_text
from llmroute.store.reader import StoreReader

RUNS_NAMED = 3


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run, and what became of its calls until now."""

    plan: Plan
    manifest: RunManifest
    outcomes: Outcomes
    oldest_answer: str | None
    """UTC, ISO 8601."""

    def decide(self, decision: Decision) -> Result:
        """The run compared and routed."""
        return decide_run(
            self.plan, self.manifest, self.outcomes, decision, oldest_answer=self.oldest_answer
        )


def recall_run(store: Path, run_id: str | None, plan: Plan | None = None) -> StoredRun:
    """A run out of the store.

    Args:
        store: the database.
        run_id: which run; None: the last.
        plan: its own, where it is at hand; None: it is made again.

    Raises:
        InputError: the store holds no such run.
        StoreError: the store cannot be read.
    """
    with StoreReader.open(store) as reader:
        manifest = find_run(reader, store, run_id)
        plan = plan or recall_plan(manifest, reader)
        outcomes, oldest_answer = _recall_outcomes(plan, reader)
    return StoredRun(plan, manifest, outcomes, oldest_answer)


def find_run(reader: StoreReader, store: Path, run_id: str | None) -> RunManifest:
    """What the store keeps of a run, or of the last one.

    Raises:
        InputError: there is none.
    """
    manifest = reader.last_run() if run_id is None else reader.run(run_id)
    if manifest is None:
        raise InputError(
            f"there is no run {run_id!r}" if run_id else "there is no run yet",
            where=str(store),
            fix=_known_runs(reader),
        )
    return manifest


def _known_runs(reader: StoreReader) -> str:
    last = [run.run_id for run in reader.runs()][-RUNS_NAMED:]
    return f"Its last runs: {', '.join(last)}." if last else "Run `llmroute bench` first."


def holds_run(store: Path, run_id: str) -> bool:
    """Whether there is such a store, and it holds the run.

    Raises:
        StoreError: the store cannot be read.
    """
    if not store.is_file():
        return False
    with StoreReader.open(store) as reader:
        return reader.run(run_id) is not None


def change_since_last(
    store: Path, runs: Sequence[RunManifest], decision: Decision, result: Result
) -> MapChange | None:
    """What changed since the last finished run before a result, decided alike.

    Args:
        store: the database.
        runs: all of its runs, the oldest first.
        decision: as of the result.
        result: decided from one of them.

    Returns:
        None where there is no such run, its map can't be made, or is of other suites.
    """
    from llmroute.gate.compare import MapEvidence, compare_maps

    own = [run for run in runs if run.run_id == result.routing_map.provenance.run_id]
    last = last_finished(runs, own[0].run_id) if own else None
    if last is None:
        return None
    is_alike = plan_digest(last) == plan_digest(own[0])
    try:
        run = recall_run(store, last.run_id, result.plan if is_alike else None)
        before = run.decide(decision).routing_map
        return compare_maps(MapEvidence(before, {}), MapEvidence(result.routing_map, {}))
    except LlmrouteError:
        return None


def last_finished(runs: Sequence[RunManifest], run_id: str) -> RunManifest | None:
    """The last run before this one that has finished, or None.

    Order tells which was before: two runs of one second have ids in any order.

    Args:
        runs: the oldest first.
        run_id: of one of them.
    """
    before = takewhile(lambda run: run.run_id != run_id, runs)
    return next((run for run in reversed([*before]) if run.state == "finished"), None)


def failed_attempts(plan: Plan, reader: StoreReader) -> dict[tuple[str, str], int]:
    """(Candidate, failure kind) → how many attempts at the plan's calls failed, in any run."""
    names = {call.key: call.candidate.name for call in plan.calls}
    return dict(Counter((names[one.key], one.kind) for one in reader.attempts(names)))


def _recall_outcomes(plan: Plan, reader: StoreReader) -> tuple[Outcomes, str | None]:
    """What became of the plan's calls, and when the oldest answer was given.

    The answers and scores it is made from are let go.
    """
    keys = [call.key for call in plan.calls]
    answers = reader.answers(keys)
    oldest_s = min((answer.created_s for answer in answers.values()), default=None)
    outcomes = collect_outcomes(
        plan.calls, plan.suites, answers, reader.failures(keys), recall_scores(plan, reader)
    )
    oldest = None if not oldest_s else utc_text(datetime.fromtimestamp(oldest_s, UTC))
    return outcomes, oldest
