"""Config × selection → the suites and candidates of one run, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from llmroute import __version__
from llmroute.calls.budget import FREE_PROVIDERS, OUTPUT_BOUNDS
from llmroute.calls.builtin_client import BUILTIN_PRICE
from llmroute.calls.keys import missing_key
from llmroute.calls.prices import list_price, model_facts
from llmroute.digest import file_digest
from llmroute.errors import ConfigError, InputError, UnknownName
from llmroute.judges import JUDGE_PREFIX
from llmroute.plan.matrix import Selection
from llmroute.records import Candidate, Config, Price, Suite
from llmroute.sandbox.permission import is_given as code_execution_is_allowed
from llmroute.scores.score import runs_code
from llmroute.store.manifest import without_credentials
from llmroute.suites.sampling import limit_samples

T = TypeVar("T")


def select_suites(config: Config, selection: Selection) -> tuple[Suite, ...]:
    """The run's suites with the samples it asks.

    Without a configuration there is no judge: what only one can grade is run where it is named.

    Raises:
        SuiteError: a suite file is wrong.
        UnknownName: a suite was asked for that the configuration does not have.
        ConfigError: the configuration speaks of a task that no suite has.
    """
    from llmroute.config.load import check_tasks
    from llmroute.suites.load import load_suites

    suites = load_suites(config.suites, judge=config.judge, root=config.folder)
    check_tasks(config, [suite.task for suite in suites])
    by_name = {suite.name: suite for suite in suites}
    chosen = [_named(name, by_name, "suite") for name in selection.suites] or [
        suite for suite in suites if config.path is not None or suite.metrics
    ]
    chosen = [_with_rival(suite, config, selection) for suite in chosen]
    if selection.limit is None:
        return tuple(chosen)
    return tuple(
        limit_samples(suite, selection.limit, np.random.default_rng(config.seed))
        for suite in chosen
    )


def forbidden_suites(suites: Sequence[Suite], *, asked_for: bool) -> tuple[str, ...]:
    """The suites whose scoring would run what a model wrote, where nobody has allowed that.

    Args:
        suites: what would be run.
        asked_for: a person has named them, and is not served by leaving some out, nor by paying
            for answers that then cannot be scored.

    Raises:
        InputError: there are some, and a person has asked for them.
    """
    if code_execution_is_allowed():
        return ()
    running = [suite for suite in suites if runs_code(suite)]
    names = tuple(suite.name for suite in running)
    if running and asked_for:
        raise InputError(
            "scoring runs what the candidates write, in a sandbox, and nobody has allowed it "
            f"({', '.join(names)}); nothing was sent",
            where=str(running[0].path or running[0].name),
            fix="Add --allow-code-execution, or choose other suites with --suite.",
        )
    return names


def _with_rival(suite: Suite, config: Config, selection: Selection) -> Suite:
    """The suite with the candidate that its judge compares with by name."""
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


def prepare_candidates(
    config: Config, selection: Selection, env: Mapping[str, str], *, offline: bool = False
) -> tuple[Candidate, ...]:
    """The run's candidates with their prices filled in, after all keys have been found.

    Raises:
        UnknownName: a candidate was asked for that the configuration does not have.
        ConfigError: keys are missing; the message names every variable to set.
    """
    by_name = {candidate.name: candidate for candidate in config.candidates}
    chosen = [_named(name, by_name, "candidate") for name in selection.candidates]
    candidates = chosen or list(config.candidates)
    if not offline:
        _check_keys(candidates, env)
    return tuple(with_known_price(c) for c in candidates)


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
        _check_keys(list(judges.values()), env)
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


def with_known_price(candidate: Candidate) -> Candidate:
    """The candidate with its own price, or else the one that is known of its model."""
    return replace(candidate, price=candidate.price or _known_price(candidate))


def identify_endpoints(candidates: Sequence[Candidate]) -> dict[str, str]:
    """Candidate → what answers it, beside the model's name: part of every answer's identity.

    An address, a program's version, or a recording's content: an answer of another is not reused.
    """
    return {candidate.name: _endpoint(candidate) for candidate in candidates}


def _named(name: str, known: Mapping[str, T], kind: str) -> T:
    if name not in known:
        raise UnknownName(kind, name, known)
    return known[name]


def _check_keys(candidates: Sequence[Candidate], env: Mapping[str, str]) -> None:
    missing: dict[str, list[str]] = {}
    for candidate in candidates:
        variable = missing_key(candidate, env)
        if variable is not None:
            missing.setdefault(variable, []).append(candidate.name)
    if not missing:
        return
    lines = [f"  export {variable}=…    # {', '.join(who)}" for variable, who in missing.items()]
    raise ConfigError(
        f"no key for {', '.join(name for who in missing.values() for name in who)}; "
        "nothing was sent",
        fix="Set it, or leave these candidates out with --candidate:\n" + "\n".join(lines),
    )


def _known_price(candidate: Candidate) -> Price | None:
    if candidate.provider == "builtin":
        return BUILTIN_PRICE
    if candidate.provider == "replay":
        return list_price(candidate.model.removeprefix("replay/"))
    return list_price(candidate.model)


def _endpoint(candidate: Candidate) -> str:
    if candidate.provider == "builtin":
        return f"llmroute {__version__}"
    if candidate.recording is not None:
        return f"recording {_recording_hash(candidate.name, candidate.recording)}"
    return without_credentials(candidate.api_base) or ""


def _recording_hash(name: str, path: Path) -> str:
    try:
        return file_digest(path)
    except OSError as error:
        raise ConfigError(
            f"candidate {name!r}: its recording cannot be read: {error.strerror}",
            where=str(path),
            fix="Name an existing file under 'recording:'; "
            "`llmroute bench --record FILE` writes one.",
        ) from error
