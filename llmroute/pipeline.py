"""The stories of llmroute, a verb a line. Read this first.

`benchmark` asks and scores, `remap` decides again from what the store holds, `map_outcomes`
decides from outcomes files. All three end in a `Result`, from which reports are made;
`calibrate` fits a query router, and `gate` holds a map against the previous one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from llmroute.deciding import AS_PLANNED, Background, Decision, Result, spending_on
from llmroute.errors import LlmrouteError
from llmroute.labelling import read_bench_labels, read_outcome_labels
from llmroute.plan.estimate import PlanEstimate, estimate_plan
from llmroute.plan.judges import prepare_judges
from llmroute.plan.manifest import describe_run, recall_plan
from llmroute.plan.matrix import Plan, Selection, plan_calls
from llmroute.plan.prepare import (
    forbidden_suites,
    identify_endpoints,
    prepare_candidates,
    select_suites,
)
from llmroute.plan.resume import missing_calls, stored_answers
from llmroute.recalling import change_since_last, failed_attempts, find_run, recall_run
from llmroute.records import (
    Config,
    Gate,
    GateResult,
    MapChange,
    Price,
    QualityRule,
    RoutingMap,
    Volume,
)
from llmroute.scores.answers import score_answers
from llmroute.store.reader import StoreReader
from llmroute.store.writer import StoreWriter

if TYPE_CHECKING:
    from llmroute.asking import Listener
    from llmroute.calibrating import Calibration, Wish
    from llmroute.calibrating_several import SeveralCalibration
    from llmroute.exporters.litellm_complexity import ComplexityFit
    from llmroute.gate.verified import Verified

Strategy = Literal["grid", "race"]


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
    found = select_suites(config, selection)
    asked_for = config.path is not None or bool(selection.suites)
    left_out = forbidden_suites(found, asked_for=asked_for)
    suites = tuple(suite for suite in found if suite.name not in left_out)
    candidates = prepare_candidates(config, selection, env, offline=offline)
    judges = prepare_judges(config, suites, candidates, env, offline=offline)
    plan = plan_calls(
        suites,
        candidates,
        repeats=config.repeats,
        endpoints=identify_endpoints((*candidates, *judges)),
        selection=selection,
        judges=judges,
    )
    return replace(plan, left_out=left_out)


def estimate_run(config: Config, plan: Plan, *, refresh: bool = False) -> PlanEstimate:
    """What the plan will cost and can decide, given what the store already holds."""
    from llmroute.judges.grading import expected_calls

    answers = stored_answers(config.store, plan.calls)
    judge_calls = expected_calls(plan, answers)
    return estimate_plan(
        plan,
        answers | stored_answers(config.store, judge_calls),
        config.quality,
        concurrency=config.concurrency,
        refresh=refresh,
        judge_calls=judge_calls,
    )


def benchmark(
    config: Config,
    plan: Plan,
    *,
    env: Mapping[str, str],
    listener: Listener,
    now: Callable[[], datetime],
    decision: Decision = AS_PLANNED,
    offline: bool = False,
    refresh: bool = False,
    strategy: Strategy = "grid",
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
        strategy: "grid" asks everything; "race" asks, cheap to dear, only what the grid's route
            hangs on, at a risk of at most 5 % a task.
        wait_s: how long to wait for another bench on the same store.
        command: shown to whoever finds the store busy.

    Raises:
        InputError: a recording is not usable.
        OutsideError: `offline`, and answers are missing.
        StoreError: the store cannot be written.
    """
    # What only a bench needs: `map` and `report` start without it.
    from llmroute.asking import ask, how_it_ended
    from llmroute.calls.budget import Ledger
    from llmroute.store.run import OpenRun
    from llmroute.wanting import check_askable, open_wanted

    raced = strategy == "race"
    labels = read_bench_labels(decision.labels or config.judge.labels, plan, raced=raced)
    ledger = Ledger(config.budget.max_usd)
    with (
        StoreWriter.open(config.store, command=command, wait_s=wait_s) as store,
        StoreReader.open(config.store) as reader,
    ):
        missing = missing_calls(plan, reader, refresh=refresh)
        check_askable(plan, missing, config.budget.max_usd, offline=offline and not raced)
        with open_wanted(
            plan, missing, config, decision, reader, raced=raced, refresh=refresh
        ) as wanted:
            manifest = describe_run(config, plan, now(), strategy=strategy, labels=labels)
            run = OpenRun.start(store, plan.suites, manifest, now)
            listener.planned(plan, len(plan.calls) - len(missing))
            with run.failing_outside():
                interrupted = ask(
                    wanted, plan, config, ledger, store, listener, env, offline=offline
                )
        score_answers(plan, store, reader)
        run.end(how_it_ended(ledger, interrupted=interrupted))
    decision = replace(decision, labels=())  # they are the run's now
    return replace(
        remap(config.store, run_id=run.run_id, decision=decision, plan=plan),
        interrupted=interrupted,
        refreshed=refresh,
        n_stored=len(plan.calls) - len(missing),
        n_unsent=ledger.unsent,
        spent_usd=ledger.spent_usd,
    )


def remap(
    store: Path,
    *,
    run_id: str | None = None,
    decision: Decision = AS_PLANNED,
    plan: Plan | None = None,
) -> Result:
    """Decide again from what the store holds of a run, without a call.

    Args:
        store: the database.
        run_id: which run; None: the last.
        decision: other thresholds, evidence, reference or prices than the run's.
        plan: the run's, where it is at hand; None: it is made again.

    Raises:
        InputError: the store holds no such run.
        StoreError: the store cannot be read.
    """
    return recall_run(store, run_id, plan).decide(decision)


def remap_runs(
    store: Path, n_runs: int, decision: Decision = AS_PLANNED
) -> tuple[list[RoutingMap], list[str]]:
    """The maps of the last runs, the oldest first, and a note for each that can't be made again.

    Raises:
        InputError: there is no run yet.
        StoreError: the store cannot be read.
    """
    with StoreReader.open(store) as reader:
        runs = reader.runs()[-n_runs:]
        if not runs:
            find_run(reader, store, None)
    maps, notes = [], []
    for run in runs:
        try:
            maps.append(remap(store, run_id=run.run_id, decision=decision).routing_map)
        except LlmrouteError as error:
            notes.append(f"Run {run.run_id} is left out: {error.what}.")
    return maps, notes


def look_back(
    store: Path,
    result: Result,
    *,
    decision: Decision = AS_PLANNED,
    volume: Volume | None = None,
) -> Background:
    """What the calls behind a run's result cost, and what changed since the run before it.

    Args:
        store: the database.
        result: from `benchmark` or `remap`.
        decision: as of the result, so that the two maps differ by their runs alone.
        volume: traffic in production.

    Raises:
        StoreError: the store cannot be read.
    """
    from llmroute.judges.answers import judges_spending

    with StoreReader.open(store) as reader:
        runs = reader.runs()
        judges_usd, n_unknown = judges_spending(result.plan, reader) if result.plan else (0.0, 0)
        attempts = failed_attempts(result.plan, reader) if result.plan else {}
    spending = spending_on(result, judges_usd, n_unknown)
    change = change_since_last(store, runs, decision, result)
    return Background(volume, spending, change, attempts)


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
    from llmroute.deciding_outcomes import decide_outcomes
    from llmroute.outcomes.files import read_outcomes

    where = ", ".join(map(str, files))
    outcomes, about_labels = read_outcome_labels(
        decision.labels, read_outcomes(files), decision.reference, where=where
    )
    return decide_outcomes(
        outcomes, decision, rule or QualityRule(), files=files, notes=about_labels
    )


class Source(TypedDict, total=False):
    """Where decided outcomes come from."""

    files: Sequence[Path]
    """Outcomes as JSONL, plain or gzipped; none: the store's."""
    store: Path | None
    """The database, where no file is named."""
    run_id: str | None
    """Which of its runs; None: the last."""
    prices: Mapping[str, Price] | None
    """Candidate or model → price; replaces the run's."""


def decided(source: Source, reference: str | None = None) -> Result:
    """The files' outcomes decided, or else the run's.

    Args:
        source: where they are.
        reference: what is paid for today, where files do not tell; None: the best of them.

    Raises:
        InputError: there are no outcomes, or the store holds no such run.
        StoreError: the store cannot be read.
    """
    files, store, prices = source.get("files", ()), source.get("store"), source.get("prices")
    if files or store is None:
        return map_outcomes(files, Decision(reference=reference, prices=prices))
    return remap(store, run_id=source.get("run_id"), decision=Decision(prices=prices))


def calibrate(wish: Wish, **source: Unpack[Source]) -> Calibration:
    """A query router or a cascade between two models, from recorded outcomes; no call is made.

    Args:
        wish: pair, target, policy and router.
        source: which outcomes.

    Raises:
        InputError: the outcomes can't carry one, or no threshold meets the target.
        StoreError: the store cannot be read.
    """
    result = decided(source, wish.strong)
    if wish.policy == "router":
        from llmroute.calibrating import calibrate_result

        return calibrate_result(result, wish)
    from llmroute.calibrating_cascade import calibrate_cascade

    return calibrate_cascade(result, wish)


def fit_complexity(wish: Wish, **source: Unpack[Source]) -> ComplexityFit:
    """Where LiteLLM's complexity score parts two models; arguments as of `calibrate`.

    Raises:
        InputError: the outcomes can't carry a boundary, or no boundary meets the target.
        StoreError: the store cannot be read.
    """
    from llmroute.fitting_complexity import fit_complexity as fit

    return fit(decided(source, wish.strong), wish)


def compare_choices(
    names: Sequence[str], wish: Wish, **source: Unpack[Source]
) -> SeveralCalibration:
    """What choosing among several candidates per query is worth; arguments as of `calibrate`.

    Raises:
        InputError: scores or costs are missing, or no λ meets the target.
        StoreError: the store cannot be read.
    """
    from llmroute.calibrating_several import calibrate_several

    return calibrate_several(decided(source), names, wish)


def gate(
    routing_map: Path,
    previous: Path | None,
    settings: Gate,
    now: datetime,
    *,
    files: Sequence[Path] = (),
    previous_files: Sequence[Path] = (),
    store: Path | None = None,
) -> GateResult:
    """A routing map against the previous one: what changed, why, and whether it may pass.

    Args:
        routing_map: this map's file.
        previous: the other's; None: there is none, and only what this map alone shows is checked.
        settings: levels, tolerances and the age that is allowed.
        now: the wall clock.
        files: the outcomes of this map; none: those beside it, else its run in the store.
        previous_files: the same of the previous map.
        store: the database, where there is one.

    Raises:
        InputError: a map can't be used, was edited by hand, or is one of other suites.
        StoreError: the store cannot be read.
    """
    from llmroute.gate.check import check_change
    from llmroute.gate.compare import compare_maps, first_map
    from llmroute.gate.evidence import gather_evidence
    from llmroute.gate.stored import recall_from
    from llmroute.gate.verify import MapFile

    recall = recall_from(store)
    after = gather_evidence(MapFile.read(routing_map), files, recall)
    if previous is None:
        change = first_map(after)
    else:
        before = gather_evidence(MapFile.read(previous), previous_files, recall)
        change = compare_maps(before, after)
    return check_change(change, settings, now)


def diff_maps(before: Path, after: Path) -> MapChange:
    """What changed from one map's file to another's, by the maps alone.

    Raises:
        InputError: a map can't be used, or they are of other suites.
    """
    from llmroute.gate.compare import compare_maps
    from llmroute.gate.evidence import map_alone
    from llmroute.gate.verify import MapFile

    return compare_maps(map_alone(MapFile.read(before)), map_alone(MapFile.read(after)))


def verify_map(
    routing_map: Path,
    files: Sequence[Path] = (),
    *,
    store: Path | None = None,
    config: Config | None = None,
    shallow: bool = False,
) -> Verified:
    """Whether a map is what was written, and what its outcomes give.

    Args:
        routing_map: its file.
        files: its outcomes; none: its run in the store, else those beside it.
        store: the database, where there is one.
        config: names the suites of today, to say which have changed since.
        shallow: recompute nothing.

    Raises:
        InputError: it is no map, was edited by hand, a file it names is another one by now, its
            outcomes give another map, or there are none to recompute it from.
        StoreError: the store cannot be read.
    """
    from llmroute.gate.evidence import recompute_map
    from llmroute.gate.stored import recall_from
    from llmroute.gate.verified import Verified
    from llmroute.gate.verify import MapFile, check_artefacts

    file = MapFile.read(routing_map)
    artefacts = check_artefacts(file)
    source = None if shallow else recompute_map(file, files, recall_from(store))
    suites = () if config is None else select_suites(config, Selection())
    if file.is_edited:
        raise file.edited_fault()
    return Verified.of(file, artefacts, source, suites)


def record_run(store: Path, file: Path, run_id: str | None) -> None:
    """Write a run's answers as a recording, which `replay/` candidates read.

    Costs are written as they were measured at the run's prices.
    """
    from llmroute.outcomes.recording import recorded_answers, write_recording

    with StoreReader.open(store) as reader:
        plan = recall_plan(find_run(reader, store, run_id), reader)
        answers = reader.answers(call.key for call in plan.calls)
        recording = recorded_answers(plan.calls, answers)
    write_recording(file, recording)
