"""The stories of llmroute, a verb a line. Read this first.

`benchmark` asks and scores, `remap` decides again from what the store holds, `map_outcomes`
decides from outcomes files. All three end in a `Result`, from which reports are made;
`calibrate` fits a query router, and `gate` holds a map against the previous one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from llmroute.deciding import (
    AS_PLANNED,
    Background,
    Decision,
    Result,
    decide_run,
    decided_rule,
    spending_on,
    thresholds_of,
)
from llmroute.errors import ConfigError, InputError, LlmrouteError, OutsideError
from llmroute.labelling import judging_of, read_outcome_labels, read_run_labels
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
from llmroute.records import (
    Call,
    Completion,
    Config,
    Gate,
    GateResult,
    Label,
    MapChange,
    Outcomes,
    Price,
    Provenance,
    QualityRule,
    RoutingMap,
    Volume,
)
from llmroute.scores.answers import recall_scores, score_answers
from llmroute.store.manifest import RunManifest, RunState, utc_text
from llmroute.store.reader import StoreReader
from llmroute.store.writer import StoreWriter

if TYPE_CHECKING:
    from llmroute.asking import Listener, Wanted
    from llmroute.calibrating import Calibration, Wish
    from llmroute.calibrating_several import SeveralCalibration
    from llmroute.exporters.litellm_complexity import ComplexityFit
    from llmroute.gate.evidence import Recall
    from llmroute.gate.verify import Verified
    from llmroute.judges.source import JudgedSource
    from llmroute.race.source import RaceSource

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

    answers = _stored(config.store, plan.calls)
    judge_calls = expected_calls(plan, answers)
    return estimate_plan(
        plan,
        answers | _stored(config.store, judge_calls),
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
    from llmroute.asking import ask, refuse_to_ask
    from llmroute.calls.budget import Ledger, check_affordable
    from llmroute.judges.grading import expected_calls

    labels = _read_labels(config, plan, decision, strategy)
    with (
        StoreWriter.open(config.store, command=command, wait_s=wait_s) as store,
        StoreReader.open(config.store) as reader,
    ):
        answered = set() if refresh else reader.answered({call.key for call in plan.calls})
        missing = [call for call in plan.calls if call.key not in answered]
        if offline and strategy == "grid":
            refuse_to_ask(missing)
        if config.budget.max_usd is not None:
            verdicts = expected_calls(plan, {})
            check_affordable([*missing, *verdicts], config.budget.max_usd)
        race: RaceSource | None = None
        if strategy == "race":
            answers = reader.answers(answered)
            race = _race(plan, config, decision, answers)
        asked = race or missing
        wanted: Wanted = asked
        if plan.judges:
            wanted = _judged(asked, plan, reader, refresh=refresh)
        for suite in plan.suites:
            store.put_suite(suite)
        run_id = store.start_run(
            describe_run(config, plan, now(), strategy=strategy, labels=labels)
        )
        listener.planned(plan, len(plan.calls) - len(missing))
        ledger = Ledger(config.budget.max_usd)
        try:
            interrupted = ask(wanted, plan, config, ledger, store, listener, env, offline=offline)
        except OutsideError:
            store.finish_run(run_id, "failed", utc_text(now()))
            raise
        finally:
            if race is not None:
                race.close()
        score_answers(plan, store, reader)
        state: RunState = "budget_spent" if ledger.unsent else "finished"
        state = "interrupted" if interrupted else state
        store.finish_run(run_id, state, utc_text(now()))
    decision = replace(decision, labels=())  # they are the run's now
    result = remap(config.store, run_id=run_id, decision=decision, plan=plan)
    n_stored = len(plan.calls) - len(missing)
    return replace(
        result,
        interrupted=interrupted,
        refreshed=refresh,
        n_stored=n_stored,
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
    with StoreReader.open(store) as reader:
        manifest = _find_run(reader, store, run_id)
        plan = plan or recall_plan(manifest, reader)
        outcomes, oldest = _recall_outcomes(plan, reader)
    return decide_run(plan, manifest, outcomes, decision, oldest_answer=oldest)


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
            _find_run(reader, store, None)
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

    run_id = result.routing_map.provenance.run_id
    with StoreReader.open(store) as reader:
        earlier = [run for run in reader.runs() if run.run_id < (run_id or "")]
        plan = recall_plan(_find_run(reader, store, run_id), reader)
        judged_usd, n_unknown = judges_spending(plan, reader)
    finished = [run.run_id for run in earlier if run.state == "finished"]
    change = _change_since(store, finished[-1], decision, result) if finished else None
    return Background(volume, spending_on(result, judged_usd, n_unknown), change)


def _change_since(store: Path, run_id: str, decision: Decision, result: Result) -> MapChange | None:
    """What changed since a stored run; None where its map can't be made, or is of other suites."""
    from llmroute.gate.compare import MapEvidence, compare_maps

    try:
        before = remap(store, run_id=run_id, decision=decision).routing_map
        return compare_maps(MapEvidence(before, {}), MapEvidence(result.routing_map, {}))
    except LlmrouteError:
        return None


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
    from llmroute.recogniser.corpus import read_prompts
    from llmroute.recogniser.fit import with_recogniser
    from llmroute.routing_map.choose import choose_routes
    from llmroute.routing_map.notes import write_notes

    outcomes = read_outcomes(files)
    about_labels: tuple[str, ...] = ()
    if decision.labels:
        outcomes, about_labels = read_outcome_labels(
            decision.labels, outcomes, decision.reference, where=", ".join(map(str, files))
        )
    comparison = compare(
        outcomes,
        decision.prices or {},
        decided_rule(rule or QualityRule(), decision),
        reference=decision.reference,
    )
    prices = dict(decision.prices or {})
    provenance = Provenance(
        candidates={n: {"price": asdict(prices[n])} for n in comparison.candidates if n in prices},
        sources=tuple(f"{path.name} sha256:{file_digest(path)}" for path in files),
    )
    notes = (*write_notes(comparison), *about_labels)
    routing_map = choose_routes(comparison, provenance=provenance, notes=notes)
    routing_map = with_recogniser(routing_map, read_prompts(outcomes))
    return Result(comparison, routing_map, outcomes, prices, n_planned=len(outcomes.rows))


def calibrate(
    wish: Wish,
    *,
    files: Sequence[Path] = (),
    store: Path | None = None,
    run_id: str | None = None,
    prices: Mapping[str, Price] | None = None,
) -> Calibration:
    """A query router or a cascade between two models, from recorded outcomes; no call is made.

    Args:
        wish: pair, target, policy and router.
        files: outcomes as JSONL, plain or gzipped; none: the store's.
        store: the database, where no file is named.
        run_id: which of its runs; None: the last.
        prices: candidate or model → price; replaces the run's.

    Raises:
        InputError: the outcomes can't carry one, or no threshold meets the target.
        StoreError: the store cannot be read.
    """
    result = _recall_result(wish.strong, files, store, run_id, prices)
    if wish.policy == "router":
        from llmroute.calibrating import calibrate_result

        return calibrate_result(result, wish)
    from llmroute.calibrating_cascade import calibrate_cascade

    return calibrate_cascade(result, wish)


def fit_complexity(
    wish: Wish,
    *,
    files: Sequence[Path] = (),
    store: Path | None = None,
    run_id: str | None = None,
    prices: Mapping[str, Price] | None = None,
) -> ComplexityFit:
    """Where LiteLLM's complexity score parts two models; arguments as of `calibrate`.

    Raises:
        InputError: the outcomes can't carry a boundary, or no boundary meets the target.
        StoreError: the store cannot be read.
    """
    from llmroute.fitting_complexity import fit_complexity as fit

    return fit(_recall_result(wish.strong, files, store, run_id, prices), wish)


def compare_choices(
    names: Sequence[str],
    wish: Wish,
    *,
    files: Sequence[Path] = (),
    store: Path | None = None,
    run_id: str | None = None,
    prices: Mapping[str, Price] | None = None,
) -> SeveralCalibration:
    """What choosing among several candidates per query is worth; arguments as of `calibrate`.

    Raises:
        InputError: scores or costs are missing, or no λ meets the target.
        StoreError: the store cannot be read.
    """
    from llmroute.calibrating_several import calibrate_several

    return calibrate_several(_recall_result(None, files, store, run_id, prices), names, wish)


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
    from llmroute.gate.verify import MapFile

    after = gather_evidence(MapFile.read(routing_map), files, _recall_from(store))
    if previous is None:
        change = first_map(after)
    else:
        before = gather_evidence(MapFile.read(previous), previous_files, _recall_from(store))
        change = compare_maps(before, after)
    return check_change(change, settings, now)


def diff_maps(before: Path, after: Path) -> MapChange:
    """What changed from one map's file to another's, by the maps alone.

    Raises:
        InputError: a map can't be used, or they are of other suites.
    """
    from llmroute.gate.compare import MapEvidence, compare_maps
    from llmroute.gate.verify import MapFile

    first, second = MapFile.read(before), MapFile.read(after)
    return compare_maps(
        *(MapEvidence(f.routing_map, f.content, name=str(f.path)) for f in (first, second))
    )


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
    from llmroute.gate.verify import MapFile, Verified, changed_suites, check_artefacts

    file = MapFile.read(routing_map)
    artefacts = check_artefacts(file)
    source = None if shallow else recompute_map(file, files, _recall_from(store))
    suites = [] if config is None else select_suites(config, Selection())
    if file.is_edited:
        raise file.edited_fault()
    return Verified(
        map=str(routing_map),
        tasks=len(file.routing_map.tasks),
        digest="matches" if file.content.get("digest") else "not stated",
        artefacts=tuple(path.name for path in artefacts),
        recomputed_from=None if source is None else source.name,
        not_recomputed=() if source is None else source.not_recomputed(file),
        suites_changed=changed_suites(file, suites) if suites else (),
    )


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


def _recall_result(
    reference: str | None,
    files: Sequence[Path],
    store: Path | None,
    run_id: str | None,
    prices: Mapping[str, Price] | None,
) -> Result:
    """The files' outcomes decided, or else the run's."""
    if files or store is None:
        return map_outcomes(files, Decision(reference=reference, prices=prices))
    return remap(store, run_id=run_id, decision=Decision(prices=prices))


def _stored(store: Path, calls: Sequence[Call]) -> dict[str, Completion]:
    """Call key → answer, for those of the calls that the store holds."""
    if not store.exists() or not calls:
        return {}
    with StoreReader.open(store) as reader:
        return reader.answers({c.key for c in calls})


def _recall_from(store: Path | None) -> Recall:
    """Finds a map's run in the store and makes the map again as it says it was decided."""
    from llmroute.gate.evidence import Source
    from llmroute.gate.recompute import decision_of

    def recall(routing_map: RoutingMap) -> Source | None:
        run_id = routing_map.provenance.run_id
        if store is None or run_id is None or not store.is_file():
            return None
        with StoreReader.open(store) as reader:
            if reader.run(run_id) is None:
                return None
        result = remap(store, run_id=run_id, decision=decision_of(routing_map))
        name = f"run {run_id} in {store}"
        return Source(name, result.outcomes, result.routing_map, ("provenance",))

    return recall


def _read_labels(
    config: Config, plan: Plan, decision: Decision, strategy: Strategy
) -> tuple[Label, ...]:
    """The labels a run is decided by, before anything is asked."""
    files = decision.labels or config.judge.labels
    if files and strategy == "race" and judging_of(plan):
        raise ConfigError(
            "a race decides by what the judge says, before labels could correct it",
            where="--strategy race",
            fix="Run the grid, or race without labels.",
        )
    whole = plan.selection == Selection()
    return read_run_labels(files, plan, where="the suites", partial=not whole)


def _race(
    plan: Plan, config: Config, decision: Decision, answers: Mapping[str, Completion]
) -> RaceSource:
    """The races of the plan's tasks, told of what is answered already."""
    from llmroute.race.source import RaceSource, lay_out_races

    thresholds = thresholds_of(plan, config.task_thresholds, decision)
    races = lay_out_races(
        plan,
        decided_rule(config.quality, decision),
        thresholds=thresholds,
        limits=config.task_limits,
        reference=decision.reference or config.reference,
        seed=config.seed,
    )
    return RaceSource(plan, races, config.task_limits, answers)


def _judged(
    wanted: Sequence[Call] | RaceSource, plan: Plan, reader: StoreReader, *, refresh: bool
) -> JudgedSource:
    """What is wanted, and judges asked about the answers: stored ones may lack a verdict too."""
    from llmroute.judges.grading import graders
    from llmroute.judges.source import Grid, JudgedSource
    from llmroute.race.source import RaceSource

    by_suite = graders(plan)
    if isinstance(wanted, RaceSource):
        return JudgedSource(wanted, by_suite, reader.answers, refresh=refresh)
    keys = {call.key for call in wanted}
    calls = [call for call in plan.calls if call.key in keys or call.suite in by_suite]
    return JudgedSource(Grid(calls), by_suite, reader.answers, refresh=refresh)


def _recall_outcomes(plan: Plan, reader: StoreReader) -> tuple[Outcomes, str | None]:
    """What became of the plan's calls, and when the oldest answer was given.

    The answers and scores it is made from are let go.
    """
    from llmroute.outcomes.collect import collect_outcomes

    keys = [call.key for call in plan.calls]
    answers = reader.answers(keys)
    oldest_s = min((answer.created_s for answer in answers.values()), default=None)
    outcomes = collect_outcomes(
        plan.calls, plan.suites, answers, reader.failures(keys), recall_scores(plan, reader)
    )
    oldest = None if not oldest_s else utc_text(datetime.fromtimestamp(oldest_s, UTC))
    return outcomes, oldest


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
