"""The stories of llmroute, a verb a line. Read this first.

`benchmark` asks and scores, `remap` decides again from what the store holds, `map_outcomes`
decides from outcomes files. All three end in a `Result`, from which reports are made.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from llmroute.errors import InputError, OutsideError, StoreError
from llmroute.plan.estimate import PlanEstimate, estimate_plan
from llmroute.plan.manifest import (
    describe_run,
    recall_limits,
    recall_plan,
    recall_rule,
    recall_thresholds,
)
from llmroute.plan.matrix import Plan, Selection, plan_calls
from llmroute.plan.prepare import (
    identify_endpoints,
    prepare_candidates,
    select_suites,
)
from llmroute.records import (
    Call,
    Candidate,
    Comparison,
    Completion,
    Config,
    Evidence,
    Failure,
    Outcomes,
    Price,
    Provenance,
    QualityRule,
    QualityThreshold,
    RoutingMap,
)
from llmroute.scores.answers import recall_scores, score_answers
from llmroute.store.manifest import RunManifest, secrets_of, utc_text
from llmroute.store.reader import StoreReader
from llmroute.store.writer import FLUSH_S, StoreWriter


@dataclass(frozen=True, slots=True)
class Decision:
    """What the map is decided by, where it differs from what the run was planned with."""

    threshold: QualityThreshold | None = None
    """Replaces every bar, the suites' own included."""
    evidence: Evidence | None = None
    confidence: float | None = None
    reference: str | None = None
    prices: Mapping[str, Price] | None = None
    """Candidate or model → price; replaces the run's."""


class Listener(Protocol):
    """Is told how a run goes; the command line shows it."""

    def planned(self, plan: Plan, n_stored: int) -> None:
        """Before the first call: the plan, and how many of its answers the store holds."""

    def done(self, call: Call, result: Completion | Failure) -> None:
        """A call is answered or has failed for good."""

    def failed_try(self, call: Call, failure: Failure) -> None:
        """A try has failed; the call may get another."""

    def stopped(self, candidate: Candidate, failure: Failure) -> None:
        """A candidate is not asked any more."""

    def interrupted(self) -> None:
        """The first Ctrl-C: nothing more is sent."""


@dataclass(frozen=True, slots=True)
class Result:
    """A decided run."""

    comparison: Comparison
    routing_map: RoutingMap
    outcomes: Outcomes
    interrupted: bool = False
    refreshed: bool = False
    """Asked again what was answered: interrupted, it is open though nothing lacks an answer."""
    n_planned: int = 0
    n_stored: int = 0
    """Answers that were in the store before."""
    n_failed: int = 0


def plan_run(
    config: Config, selection: Selection, env: Mapping[str, str], *, offline: bool = False
) -> Plan:
    """The calls of a run, with suites, keys and prices found; nothing is sent.

    Args:
        config: what may be run.
        selection: which part of it.
        env: where keys are found.
        offline: keys are not needed.

    Raises:
        InputError: configuration, suites, keys or recordings are not usable.
    """
    suites = select_suites(config, selection)
    candidates = prepare_candidates(config, selection, env, offline=offline)
    return plan_calls(
        suites,
        candidates,
        repeats=config.repeats,
        endpoints=identify_endpoints(candidates),
        selection=selection,
    )


def estimate_run(config: Config, plan: Plan, *, refresh: bool = False) -> PlanEstimate:
    """What the plan will cost and can decide, given what the store already holds."""
    answers: dict[str, Completion] = {}
    if config.store.exists():
        with StoreReader.open(config.store) as reader:
            answers = {a.key: a for a in reader.completions({call.key for call in plan.calls})}
    return estimate_plan(
        plan, answers, config.quality, concurrency=config.concurrency, refresh=refresh
    )


def benchmark(
    config: Config,
    plan: Plan,
    *,
    env: Mapping[str, str],
    listener: Listener,
    now: Callable[[], datetime],
    decision: Decision = Decision(),
    offline: bool = False,
    refresh: bool = False,
    wait_s: float = 0.0,
    command: str = "llmroute bench",
) -> Result:
    """Ask what is not yet answered, score it, decide; every answer is kept as it comes.

    Args:
        config: how to run it.
        plan: the calls, from `plan_run`.
        env: where keys are found.
        listener: is told how the run goes.
        now: the wall clock.
        decision: other thresholds, evidence, reference or prices than the configuration's.
        offline: send nothing; answers come from the store, recordings and builtin programs.
        refresh: ask what is answered too; an old answer stays until its new one is there.
        wait_s: how long to wait for another bench on the same store.
        command: shown to whoever finds the store busy.

    Raises:
        InputError: a recording is not usable.
        OutsideError: `offline`, and answers are missing.
        StoreError: the store cannot be written.
    """
    with (
        StoreWriter.open(config.store, command=command, wait_s=wait_s) as store,
        StoreReader.open(config.store) as reader,
    ):
        answered = set() if refresh else reader.answered({call.key for call in plan.calls})
        missing = [call for call in plan.calls if call.key not in answered]
        if offline:
            _refuse_to_ask(missing)
        for suite in plan.suites:
            store.put_suite(suite)
        run_id = store.start_run(describe_run(config, plan, now()))
        listener.planned(plan, len(plan.calls) - len(missing))
        interrupted = _ask(missing, config, store, listener, env)
        score_answers(plan, store, reader)
        store.finish_run(run_id, "interrupted" if interrupted else "finished", utc_text(now()))
    result = remap(config.store, run_id=run_id, decision=decision)
    n_stored = len(plan.calls) - len(missing)
    return replace(result, interrupted=interrupted, refreshed=refresh, n_stored=n_stored)


def remap(store: Path, *, run_id: str | None = None, decision: Decision = Decision()) -> Result:
    """Decide again from what the store holds of a run, without a call.

    Args:
        store: the database.
        run_id: which run; None: the last.
        decision: other thresholds, evidence, reference or prices than the run's.

    Raises:
        InputError: the store holds no such run.
        StoreError: the store cannot be read.
    """
    from llmroute.outcomes.collect import collect_outcomes

    with StoreReader.open(store) as reader:
        manifest = _find_run(reader, store, run_id)
        plan = recall_plan(manifest, reader)
        keys = [call.key for call in plan.calls]
        completions = {c.key: c for c in reader.completions(keys)}
        failures = reader.failures(keys)
        scores = recall_scores(plan, reader)
    outcomes = collect_outcomes(plan.calls, plan.suites, completions, failures, scores)
    return _decide_run(plan, manifest, outcomes, decision)


def map_outcomes(
    files: Sequence[Path], decision: Decision, rule: QualityRule | None = None
) -> Result:
    """Decide from outcomes files.

    Args:
        files: outcomes as JSONL, plain or gzipped; together they are one set.
        decision: threshold, evidence, reference and prices.
        rule: what the decision does not say; None: the defaults.

    Raises:
        LogFormatError: a file is not in the outcomes form.
        InputError: there are no outcomes in them.
    """
    from llmroute.analysis.compare import compare
    from llmroute.digest import file_digest
    from llmroute.outcomes.files import read_outcomes
    from llmroute.routing_map.choose import choose_routes
    from llmroute.routing_map.notes import write_notes

    outcomes = read_outcomes(files)
    comparison = compare(
        outcomes,
        decision.prices or {},
        _decided(rule or QualityRule(), decision),
        reference=decision.reference,
    )
    provenance = Provenance(
        sources=tuple(f"{path.name} sha256:{file_digest(path)}" for path in files)
    )
    routing_map = choose_routes(comparison, provenance=provenance, notes=write_notes(comparison))
    return Result(comparison, routing_map, outcomes, n_planned=len(outcomes.rows))


def record_run(store: Path, file: Path, run_id: str | None) -> None:
    """Write a run's answers as a recording, which `replay/` candidates read.

    Costs are written as they were measured at the run's prices.
    """
    from llmroute.outcomes.recording import write_recording

    with StoreReader.open(store) as reader:
        plan = recall_plan(_find_run(reader, store, run_id), reader)
        calls = {call.key: call for call in plan.calls}
        answers = {
            (call.suite, call.sample_id, call.candidate.name, call.repeat): _with_cost(call, answer)
            for answer in reader.completions(calls)
            for call in (calls[answer.key],)
        }
    write_recording(file, answers)


# -- steps ----------------------------------------------------------------------------------------


def _ask(
    calls: Sequence[Call],
    config: Config,
    store: StoreWriter,
    listener: Listener,
    env: Mapping[str, str],
) -> bool:
    """Send the calls and keep what comes of each; True where it was interrupted."""
    from llmroute.calls.builtin_client import open_builtin
    from llmroute.calls.client import Clients
    from llmroute.calls.redact import secrets_in
    from llmroute.calls.run import run_calls
    from llmroute.outcomes.recording import read_recording

    def keep(call: Call, result: Completion | Failure) -> None:
        if isinstance(result, Completion):
            store.put_answer(call, result)
        else:
            store.put_failure(call, result)
        listener.done(call, result)

    def keep_try(call: Call, failure: Failure) -> None:
        store.put_attempt(call, failure)
        listener.failed_try(call, failure)

    if not calls:
        return False
    with _flushing(store):
        return run_calls(
            calls,
            Clients(env=env, builtin=open_builtin, read_recording=read_recording),
            on_done=keep,
            on_attempt=keep_try,
            on_stopped=listener.stopped,
            on_interrupt=listener.interrupted,
            rng=random.Random(config.seed),  # noqa: S311 - jitter, not cryptography
            concurrency=config.concurrency,
            secrets=secrets_in(env).union(
                *(secrets_of(c) for c in {x.candidate.name: x.candidate for x in calls}.values())
            ),
        )


@contextmanager
def _flushing(store: StoreWriter) -> Iterator[None]:
    """Commit every `FLUSH_S` seconds: the last answer of a burst must not wait for the next."""
    ended = threading.Event()
    refused: list[Exception] = []

    def tick() -> None:
        while not ended.wait(FLUSH_S):
            try:
                store.flush()
            except StoreError:
                continue  # all of it is still there: the next answer's flush, or the last, says so
            except Exception as error:  # noqa: BLE001 - a thread has nobody to raise it to
                refused.append(error)

    thread = threading.Thread(target=tick, daemon=True, name="store-flush")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        store.flush()
    if refused:
        raise refused[0]


def _find_run(reader: StoreReader, store: Path, run_id: str | None) -> RunManifest:
    manifest = reader.last_run() if run_id is None else reader.run(run_id)
    if manifest is None:
        raise InputError(
            f"there is no run {run_id!r}" if run_id else "there is no run yet",
            where=str(store),
            fix="Run `llmroute bench` first.",
        )
    return manifest


def _with_cost(call: Call, answer: Completion) -> Completion:
    return replace(answer, recorded_cost_usd=answer.cost_usd(call.candidate.price))


def _refuse_to_ask(missing: Sequence[Call]) -> None:
    """Raises OutsideError where calls would have to leave this process."""
    outside = [c for c in missing if c.candidate.provider not in ("builtin", "replay")]
    if not outside:
        return
    names = ", ".join(dict.fromkeys(call.candidate.name for call in outside))
    raise OutsideError(
        f"{len(outside)} answers are not in the store, and --offline asks for none ({names})",
        fix="Run the bench once without --offline, or leave these candidates out.",
    )


def _decide_run(
    plan: Plan, manifest: RunManifest, outcomes: Outcomes, decision: Decision
) -> Result:
    from llmroute.analysis.compare import TaskRules, compare
    from llmroute.routing_map.choose import choose_routes
    from llmroute.routing_map.notes import write_notes

    thresholds = {s.task: s.quality_threshold for s in plan.suites if s.quality_threshold}
    thresholds |= recall_thresholds(manifest)
    rules = TaskRules(
        thresholds={} if decision.threshold else thresholds,
        weights={suite.task: suite.weight for suite in plan.suites},
    )
    comparison = compare(
        outcomes,
        _prices(plan.candidates, decision),
        _decided(recall_rule(manifest), decision),
        reference=decision.reference or _planned_reference(plan, manifest),
        candidates=[candidate.name for candidate in plan.candidates],
        task_rules=rules,
    )
    routing_map = choose_routes(
        comparison,
        limits=recall_limits(manifest),
        matches={suite.task: suite.match for suite in plan.suites},
        provenance=_provenance(plan, manifest),
        notes=write_notes(comparison, manifest.floors),
    )
    n_failed = sum(not outcome.answered for outcome in outcomes.rows)
    return Result(
        comparison, routing_map, outcomes, n_planned=len(outcomes.rows), n_failed=n_failed
    )


def _planned_reference(plan: Plan, manifest: RunManifest) -> str | None:
    """The configuration's reference, where it is part of the run."""
    name = manifest.config.get("reference")
    return name if name in {candidate.name for candidate in plan.candidates} else None


def _prices(candidates: Sequence[Candidate], decision: Decision) -> dict[str, Price]:
    prices = {c.name: c.price for c in candidates if c.price is not None}
    for candidate in candidates:
        for name in (candidate.model, candidate.name):
            if decision.prices and name in decision.prices:
                prices[candidate.name] = decision.prices[name]
    return prices


def _decided(rule: QualityRule, decision: Decision) -> QualityRule:
    return replace(
        rule,
        threshold=decision.threshold or rule.threshold,
        evidence=decision.evidence or rule.evidence,
        confidence=decision.confidence or rule.confidence,
    )


def _provenance(plan: Plan, manifest: RunManifest) -> Provenance:
    shown = ("model", "params", "price", "api_base")
    return Provenance(
        run_id=manifest.run_id,
        started=manifest.started,
        suites={suite.task: manifest.suites[suite.name] for suite in plan.suites},
        candidates={
            name: {key: content[key] for key in shown if content.get(key)}
            for name, content in manifest.candidates.items()
        },
        versions=manifest.versions,
        seed=manifest.seed,
        repeats=manifest.repeats,
        strategy=manifest.strategy,
    )
