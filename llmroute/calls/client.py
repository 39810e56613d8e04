"""Candidate → the client that answers its calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

from llmroute.calls.endpoint import LITELLM_PROVIDERS, OPENAI_PROVIDERS
from llmroute.errors import ConfigError
from llmroute.records import Call, Candidate, Completion

if TYPE_CHECKING:
    from pathlib import Path

Adapter = Literal["builtin", "replay", "direct", "litellm"]
RecordingKey = tuple[str, str, str, int]
"""(suite, sample id, candidate name, repeat)"""
Recording = Mapping[RecordingKey, Completion]


class Client(Protocol):
    """Answers calls. One client may serve many candidates; `call.candidate` says which."""

    async def complete(self, call: Call) -> Completion:
        """The answer to one attempt, within `call.candidate.limits.timeout_s`.

        Raises:
            CallError: there is none; the class says why.
        """
        ...

    async def close(self) -> None:
        """Let go of connections. A closed client opens them again when it is next asked."""
        ...


def adapter_of(candidate: Candidate) -> Adapter:
    """Which adapter answers this candidate's calls.

    Direct where the endpoint speaks OpenAI's chat protocol, LiteLLM for every other provider.
    With an `api_base`, a prefix that names no provider belongs to the model's own name.

    >>> adapter_of(Candidate("a", "openai/gpt-4o-mini"))
    'direct'
    >>> adapter_of(Candidate("b", "anthropic/claude-haiku-4-5"))
    'litellm'
    >>> adapter_of(Candidate("c", "Qwen/Qwen3-8B", api_base="http://127.0.0.1:8000/v1"))
    'direct'
    """
    if candidate.provider == "builtin":
        return "builtin"
    if candidate.provider == "replay":
        return "replay"
    if candidate.adapter != "auto":
        return candidate.adapter
    if candidate.provider in OPENAI_PROVIDERS:
        return "direct"
    if candidate.api_base is not None and candidate.provider not in LITELLM_PROVIDERS:
        return "direct"
    return "litellm"


class Clients:
    """Candidate → Client, opening each adapter and each recording once."""

    def __init__(
        self,
        *,
        env: Mapping[str, str],
        builtin: Callable[[Candidate], Client] | None = None,
        read_recording: Callable[[Path], Recording] | None = None,
    ) -> None:
        self._env = env
        self._builtin = builtin
        self._read_recording = read_recording
        self._open: dict[object, Client] = {}

    def __call__(self, candidate: Candidate) -> Client:
        """The client that answers this candidate's calls.

        Raises:
            ConfigError: the candidate says nothing that could be called.
            LogFormatError: its recording cannot be read.
        """
        adapter = adapter_of(candidate)
        key: object = adapter
        if adapter == "builtin":
            key = (adapter, candidate.name)
        elif adapter == "replay":
            key = (adapter, candidate.recording)
        if key not in self._open:
            self._open[key] = self._client(candidate, adapter)
        if adapter == "direct":
            self._check_endpoint(candidate)
        return self._open[key]

    async def close(self) -> None:
        """Close every client that was handed out."""
        for client in self._open.values():
            await client.close()

    def _client(self, candidate: Candidate, adapter: Adapter) -> Client:
        if adapter == "direct":
            from llmroute.calls.direct_client import DirectClient

            return DirectClient(env=self._env)
        if adapter == "litellm":
            from llmroute.calls.litellm_client import LitellmClient, import_litellm

            import_litellm()  # takes seconds; later it would hold up answers already on their way
            return LitellmClient(env=self._env)
        if adapter == "replay":
            return self._replay(candidate)
        if self._builtin is None:
            raise ConfigError(
                f"candidate {candidate.name!r}: builtin programs are not offered here"
            )
        return self._builtin(candidate)

    def _check_endpoint(self, candidate: Candidate) -> None:
        from llmroute.calls.endpoint import endpoint_of

        endpoint_of(candidate, self._env)

    def _replay(self, candidate: Candidate) -> Client:
        from llmroute.calls.replay import ReplayClient

        if candidate.recording is None or self._read_recording is None:
            raise ConfigError(
                f"candidate {candidate.name!r} replays answers, but names no recording",
                fix="Add 'recording: FILE.jsonl' to the candidate.",
            )
        return ReplayClient(self._read_recording(candidate.recording), path=candidate.recording)


def open_client(
    candidate: Candidate,
    *,
    env: Mapping[str, str],
    builtin: Callable[[Candidate], Client] | None = None,
    read_recording: Callable[[Path], Recording] | None = None,
) -> Client:
    """A client of this candidate alone; `Clients` shares one among candidates.

    Raises:
        ConfigError: the candidate says nothing that could be called.
    """
    return Clients(env=env, builtin=builtin, read_recording=read_recording)(candidate)
