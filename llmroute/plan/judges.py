"""Config × judged suites → who grades them, and beside whose answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from llmroute.calls.budget import FREE_PROVIDERS, OUTPUT_BOUNDS
from llmroute.calls.prices import model_facts
from llmroute.errors import ConfigError, UnknownName
from llmroute.judges import JUDGE_PREFIX
from llmroute.plan.keys import check_keys
from llmroute.plan.known_price import with_known_price
from llmroute.plan.matrix import Selection
from llmroute.records import Candidate, Config, Suite
from llmroute.store.manifest import without_credentials


def with_rival(suite: Suite, config: Config, selection: Selection) -> Suite:
    """The suite with the candidate that its judge compares with by name.

    Raises:
        ConfigError: it is the reference, and none is named.
        UnknownName: there is no such candidate.
    """
    judge = suite.judge
    if judge is None or judge.pairwise is None:
        return suite
    rival = config.reference if judge.pairwise == "reference" else judge.pairwise
    where = str(suite.path)
    if rival is None:
        raise ConfigError(
            "its judge compares with the reference, and no reference is named",
            where=where,
            fix="Name what you pay for today under 'reference:', or a candidate under 'pairwise:'.",
        )
    known = selection.candidates or [candidate.name for candidate in config.candidates]
    if rival not in known:
        raise UnknownName("candidate", rival, known, where=f"{where}, pairwise")
    return replace(suite, judge=replace(judge, pairwise=rival))


def prepare_judges(
    config: Config,
    suites: Sequence[Suite],
    candidates: Sequence[Candidate],
    env: Mapping[str, str],
    *,
    offline: bool = False,
) -> tuple[Candidate, ...]:
    """Who grades the judged suites, under names that no candidate carries.

    Raises:
        ConfigError: a suite has no judge, a key is missing, or a judge is itself a candidate.
    """
    stated = {judge.name: judge for judge in config.judge.models}
    judges: dict[str, Candidate] = {}
    for suite in suites:
        for name in _judge_names(suite):
            judges[name] = _as_judge(stated.get(name) or Candidate(name, name))
    if not config.judge.allow_self_judging:
        _refuse_self_judging(judges, candidates)
    if not offline:
        without = "name another judge, or choose suites that need none with --suite"
        check_keys(list(judges.values()), env, otherwise=without)
    return tuple(judges.values())


def _judge_names(suite: Suite) -> tuple[str, ...]:
    if suite.judge is None or suite.judge.judges:
        return suite.judge.judges if suite.judge else ()
    raise ConfigError(
        f"suite {suite.name!r} is graded by a judge, and no judge is named",
        where=str(suite.path),
        fix="Write 'judge: {model: provider/name}' in llmroute.yaml, or choose other suites with "
        "--suite.",
    )


def _as_judge(judge: Candidate) -> Candidate:
    """The judge with its price, bounded replies, and no chance in them where it can be told so."""
    facts = model_facts(judge.model)
    thinks = facts is not None and facts.reasons
    usual = {"max_tokens": 8192} if thinks else {"max_tokens": 2048, "temperature": 0}
    if any(bound in judge.params for bound in OUTPUT_BOUNDS):
        del usual["max_tokens"]
    if judge.provider in FREE_PROVIDERS:
        usual = {}  # a program's parameters are its own
    named = replace(judge, name=JUDGE_PREFIX + judge.name, params=usual | dict(judge.params))
    return with_known_price(named)


def _refuse_self_judging(judges: Mapping[str, Candidate], candidates: Sequence[Candidate]) -> None:
    answering = {(c.model, without_credentials(c.api_base)): c.name for c in candidates}
    for name, judge in judges.items():
        candidate = answering.get((judge.model, without_credentials(judge.api_base)))
        if candidate is not None:
            raise ConfigError(
                f"the judge {name} would grade itself: it is the candidate {candidate} too",
                fix="Name a judge of another family. Models favour their own answers (by 10 to 25 "
                "points of win rate, arXiv 2306.05685); 'allow_self_judging: true' under 'judge:' "
                "accepts that.",
            )
