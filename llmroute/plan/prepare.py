"""Config × selection → the suites and candidates of one run, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from llmroute import __version__
from llmroute.calls.builtin_client import BUILTIN_PRICE
from llmroute.calls.keys import missing_key
from llmroute.calls.prices import list_price
from llmroute.digest import file_digest
from llmroute.errors import ConfigError, SuiteError, UnknownName
from llmroute.plan.matrix import Selection
from llmroute.records import Candidate, Config, Price, Suite
from llmroute.store.manifest import without_credentials
from llmroute.suites.sampling import limit_samples

T = TypeVar("T")


def select_suites(config: Config, selection: Selection) -> tuple[Suite, ...]:
    """The run's suites with the samples it asks.

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
    chosen = [_named(name, by_name, "suite") for name in selection.suites] or list(suites)
    _refuse_judged(chosen)
    if selection.limit is None:
        return tuple(chosen)
    return tuple(
        limit_samples(suite, selection.limit, np.random.default_rng(config.seed))
        for suite in chosen
    )


def _refuse_judged(suites: Sequence[Suite]) -> None:
    for suite in suites:
        if not suite.metrics:
            raise SuiteError(
                f"suite {suite.name!r} is graded by a judge, and judges cannot be run yet",
                where=str(suite.path),
                fix="Give it a 'metric:', or choose other suites with --suite.",
            )


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
