"""Every candidate × sample × repeat, in a stable order with stable keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmroute.digest import digest
from llmroute.records import Call, Candidate, Message, Sample, Suite
from llmroute.store.manifest import without_credentials, without_secrets
from llmroute.suites.prompt import render_messages


@dataclass(frozen=True, slots=True)
class Selection:
    """What of the configuration is run; empty means all."""

    suites: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    limit: int | None = None
    """Samples a suite, drawn with the run's seed, all difficulties in their shares."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The calls of one run: task by task, sample by sample, all candidates of a sample together."""

    suites: tuple[Suite, ...]
    candidates: tuple[Candidate, ...]
    repeats: int
    endpoints: Mapping[str, str]
    """Candidate → who answers: an address, a program's version, a recording's hash."""
    calls: tuple[Call, ...]
    selection: Selection = Selection()


def plan_calls(
    suites: Sequence[Suite],
    candidates: Sequence[Candidate],
    *,
    repeats: int = 1,
    endpoints: Mapping[str, str] | None = None,
    selection: Selection | None = None,
) -> Plan:
    """The plan of a run. The same content gives the same keys, in whatever order it is written.

    Sample by sample, so that a run that ends early has asked every candidate the same samples.

    Args:
        suites: whose samples are asked.
        candidates: who is asked.
        repeats: how often each is asked.
        endpoints: candidate → identity of what answers it; part of every key.
        selection: what was chosen of the configuration, for the record.
    """
    identities = endpoints or {}
    calls = tuple(
        call
        for suite in suites
        for sample in suite.samples
        for call in _sample_calls(suite, sample, candidates, repeats, identities)
    )
    return Plan(
        tuple(suites), tuple(candidates), repeats, identities, calls, selection or Selection()
    )


def _sample_calls(
    suite: Suite,
    sample: Sample,
    candidates: Sequence[Candidate],
    repeats: int,
    endpoints: Mapping[str, str],
) -> Iterator[Call]:
    messages = render_messages(suite, sample)
    messages_digest = digest(messages)
    for candidate in candidates:
        params = call_params(suite, candidate)
        asked = _identity(suite, sample, candidate, endpoints, messages_digest, params)
        for repeat in range(repeats):
            yield Call(
                key=digest([*asked, repeat]),
                suite=suite.name,
                task=suite.task,
                sample_id=sample.id,
                candidate=candidate,
                messages=messages,
                messages_digest=messages_digest,
                params=params,
                repeat=repeat,
                labels=suite.labels,
            )


def call_params(suite: Suite, candidate: Candidate) -> Mapping[str, Any]:
    """What is sent beside the messages; the candidate's own parameters win over the suite's."""
    if suite.max_tokens is None or "max_tokens" in candidate.params:
        return candidate.params
    return {"max_tokens": suite.max_tokens, **candidate.params}


def _identity(
    suite: Suite,
    sample: Sample,
    candidate: Candidate,
    endpoints: Mapping[str, str],
    messages_digest: str,
    params: Mapping[str, Any],
) -> list[Any]:
    """What makes an answer this answer. A recording answers by sample, a program by labels too.

    Keys and passwords are no part of it: they change without the answer changing, and a stored
    run, which lacks them, must give the same keys again.
    """
    endpoint = without_credentials(endpoints.get(candidate.name, candidate.api_base or ""))
    asked: list[Any] = [endpoint, candidate.model, messages_digest, without_secrets(params)]
    if candidate.provider == "replay":
        return [*asked, candidate.name, suite.name, sample.id]
    if candidate.provider == "builtin":
        return [*asked, suite.labels]
    return asked


def sample_prompt(messages: Sequence[Message]) -> str:
    """The prompt as a person reads it: the last user message."""
    return next((m.content for m in reversed(messages) if m.role == "user"), "")
