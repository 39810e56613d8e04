"""Config × selection → the suites and candidates of one run, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from llmroute import __version__
from llmroute.digest import file_digest
from llmroute.errors import ConfigError, InputError, UnknownName
from llmroute.plan.judges import with_rival
from llmroute.plan.keys import check_keys
from llmroute.plan.known_price import with_known_price
from llmroute.plan.matrix import Selection
from llmroute.records import Candidate, Config, Suite
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
    chosen = [with_rival(suite, config, selection) for suite in chosen]
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
        check_keys(candidates, env, otherwise="leave these candidates out with --candidate")
    return tuple(with_known_price(c) for c in candidates)


def identify_endpoints(candidates: Sequence[Candidate]) -> dict[str, str]:
    """Candidate → what answers it, beside the model's name: part of every answer's identity.

    An address, a program's version, or a recording's content: an answer of another is not reused.
    """
    return {candidate.name: _endpoint(candidate) for candidate in candidates}


def _named(name: str, known: Mapping[str, T], kind: str) -> T:
    if name not in known:
        raise UnknownName(kind, name, known)
    return known[name]


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
