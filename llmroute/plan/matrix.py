"""Every candidate × sample × repeat, in a stable order with stable keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmroute.digest import digest
from llmroute.records import Call, Candidate, Sample, Suite
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
    """To the candidates; what judges are asked hangs on the answers."""
    selection: Selection = Selection()
    judges: tuple[Candidate, ...] = ()
    """Who grades, each named "judge:NAME"."""
    left_out: tuple[str, ...] = ()
    """Suites that would have been asked, were it allowed to run what a model wrote."""

    @property
    def asked(self) -> tuple[Candidate, ...]:
        """Everybody who may be sent a call: candidates and judges."""
        return (*self.candidates, *self.judges)


def plan_calls(
    suites: Sequence[Suite],
    candidates: Sequence[Candidate],
    *,
    repeats: int = 1,
    endpoints: Mapping[str, str] | None = None,
    selection: Selection | None = None,
    judges: Sequence[Candidate] = (),
) -> Plan:
    """The plan of a run. The same content gives the same keys, in whatever order it is written.

    Sample by sample, so that a run that ends early has asked every candidate the same samples.

    Args:
        suites: whose samples are asked.
        candidates: who is asked.
        repeats: how often each is asked.
        endpoints: candidate → identity of what answers it; part of every key.
        selection: what was chosen of the configuration, for the record.
        judges: who grades the answers to judged suites.
    """
    identities = endpoints or {}
    calls = tuple(
        call
        for suite in suites
        for call in _suite_calls(suite, [_asked(suite, c, identities) for c in candidates], repeats)
    )
    return Plan(
        tuple(suites),
        tuple(candidates),
        repeats,
        identities,
        calls,
        selection or Selection(),
        tuple(judges),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """One candidate as a suite asks it."""

    candidate: Candidate
    params: Mapping[str, Any]
    identity: str


def _suite_calls(suite: Suite, asked: Sequence[_Asked], repeats: int) -> Iterator[Call]:
    for sample in suite.samples:
        yield from _sample_calls(suite, sample, asked, repeats)


def _sample_calls(
    suite: Suite,
    sample: Sample,
    asked: Sequence[_Asked],
    repeats: int,
) -> Iterator[Call]:
    messages = render_messages(suite, sample)
    messages_digest = digest(messages)
    for one in asked:
        of_sample = f"{suite.name}/{sample.id}" if one.candidate.provider == "replay" else ""
        for repeat in range(repeats):
            yield Call(
                key=call_key(one.identity, messages_digest, repeat, of_sample),
                suite=suite.name,
                task=suite.task,
                sample_id=sample.id,
                candidate=one.candidate,
                messages=messages,
                messages_digest=messages_digest,
                params=one.params,
                repeat=repeat,
                labels=suite.labels,
            )


def call_key(identity: str, messages_digest: str, repeat: int = 0, of_sample: str = "") -> str:
    """The store's key of a call: who answers, what is asked, for the n-th time."""
    content = f"{identity}/{messages_digest}/{repeat}/{of_sample}"
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def call_params(suite: Suite, candidate: Candidate) -> Mapping[str, Any]:
    """What is sent beside the messages; the candidate's own parameters win over the suite's."""
    if suite.max_tokens is None or "max_tokens" in candidate.params:
        return candidate.params
    return {"max_tokens": suite.max_tokens, **candidate.params}


def _asked(suite: Suite, candidate: Candidate, endpoints: Mapping[str, str]) -> _Asked:
    """A candidate as the suite asks it: a program sees labels too, a recording its own name."""
    params = call_params(suite, candidate)
    further: list[Any] = []
    if candidate.provider == "replay":
        further.append(candidate.name)
    if candidate.provider == "builtin":
        further.append(suite.labels)
    return _Asked(candidate, params, identify_answerer(candidate, params, endpoints, *further))


def identify_answerer(
    candidate: Candidate, params: Mapping[str, Any], endpoints: Mapping[str, str], *further: Any
) -> str:
    """A content hash of who answers: endpoint, model, parameters and what else decides.

    Keys and passwords are no part of it: they change without the answer changing, and a stored
    run, which lacks them, must give the same keys again.
    """
    endpoint = without_credentials(endpoints.get(candidate.name, candidate.api_base or ""))
    return digest([endpoint, candidate.model, without_secrets(params), *further])
