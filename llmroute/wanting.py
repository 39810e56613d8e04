"""Plan − what is stored → Wanted: the missing calls, or races for them, and judges beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from llmroute.asking import Wanted
from llmroute.calls.budget import check_affordable
from llmroute.calls.offline import refuse_to_ask
from llmroute.deciding import Decision, decided_rule, thresholds_of
from llmroute.judges.grading import expected_calls, graders
from llmroute.judges.source import Grid, JudgedSource
from llmroute.plan.matrix import Plan
from llmroute.race.source import RaceSource, lay_out_races
from llmroute.records import Call, Completion, Config
from llmroute.store.reader import StoreReader


def check_askable(
    plan: Plan, missing: Sequence[Call], max_usd: float | None, *, offline: bool
) -> None:
    """Refuse, before anything is sent, what could not be asked to its end.

    Args:
        plan: whose answers are judged.
        missing: what of it is to be asked.
        max_usd: the cap; None: there is none.
        offline: nothing may leave this process, and all of it is wanted.

    Raises:
        OutsideError: `offline`, and a call would have to.
        ConfigError: a call's cost has no bound, or could pass the cap by itself.
    """
    if offline:
        refuse_to_ask(missing)
    if max_usd is not None:
        check_affordable([*missing, *expected_calls(plan, {})], max_usd)


@contextmanager
def open_wanted(
    plan: Plan,
    missing: Sequence[Call],
    config: Config,
    decision: Decision,
    reader: StoreReader,
    *,
    raced: bool,
    refresh: bool,
) -> Iterator[Wanted]:
    """What is asked for; what races are still scoring at the end is let go of.

    Raises:
        InputError: a race, and no reference is named.
    """
    if not raced:
        yield _judged_grid(plan, missing, reader, refresh=refresh) if plan.judges else missing
        return
    answered = {call.key for call in plan.calls} - {call.key for call in missing}
    race = _race(plan, config, decision, reader.answers(answered))
    try:
        if plan.judges:
            yield JudgedSource(race, graders(plan), reader.answers, refresh=refresh)
        else:
            yield race
    finally:
        race.close()


def _race(
    plan: Plan, config: Config, decision: Decision, answers: Mapping[str, Completion]
) -> RaceSource:
    """The races of the plan's tasks, told of what is answered already."""
    races = lay_out_races(
        plan,
        decided_rule(config.quality, decision),
        thresholds=thresholds_of(plan, config.task_thresholds, decision),
        limits=config.task_limits,
        reference=decision.reference or config.reference,
        seed=config.seed,
    )
    return RaceSource(plan, races, config.task_limits, answers)


def _judged_grid(
    plan: Plan, missing: Sequence[Call], reader: StoreReader, *, refresh: bool
) -> JudgedSource:
    """The missing calls, and those to judged suites: a stored answer may lack a verdict."""
    judged = graders(plan)
    keys = {call.key for call in missing}
    calls = [call for call in plan.calls if call.key in keys or call.suite in judged]
    return JudgedSource(Grid(calls), judged, reader.answers, refresh=refresh)
