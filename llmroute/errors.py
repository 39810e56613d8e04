"""Everything that can go wrong, as one tree.

LlmrouteError
├── InputError              something a person wrote is wrong              exit 2
│   ├── ConfigError         llmroute.yaml, an option, a price file
│   ├── SuiteError          a suite file or one of its samples
│   ├── JudgeError          a rubric
│   ├── LogFormatError      a recording, outcomes or foreign log
│   └── UnknownName         a plugin, suite, candidate or task nobody knows
├── OutsideError            the world outside failed, or the run is incomplete   exit 3
│   ├── UnreadableVerdict   a judge's reply is not in its form: answered and paid, so no CallError
│   └── StoreError          the store cannot be read or written
│       ├── StoreBusy       another bench holds it                         exit 2
│       └── StoreTooNew     a later version of llmroute wrote it           exit 2
└── CallError               one call to a model failed; becomes a `Failure`    exit 3
    ├── RateLimited · TimedOut · ConnectionFailed · ServerFailed
    ├── Unauthorized · NotFound · BadRequest · ContextTooLong
    ├── ContentRefused · MalformedAnswer · NotRecorded
    └── BudgetSpent                                                        exit 4

A message has three parts: *what* is wrong, *where*, and how to *fix* it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

EXIT_OK = 0
EXIT_GATE = 1
EXIT_INPUT = 2
EXIT_OUTSIDE = 3
EXIT_BUDGET = 4
EXIT_BUG = 70
EXIT_INTERRUPTED = 130


class LlmrouteError(Exception):
    """The base of every error llmroute raises on purpose."""

    exit_code: ClassVar[int] = EXIT_OUTSIDE

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n{self.fix}" if self.fix else head


class InputError(LlmrouteError):
    """Something a person wrote cannot be used as it stands."""

    exit_code = EXIT_INPUT


class ConfigError(InputError):
    """llmroute.yaml, a command-line value or a price file is wrong."""


class SuiteError(InputError):
    """A suite file, or one of its samples, is wrong."""


class JudgeError(InputError):
    """A rubric is wrong."""


class LogFormatError(InputError):
    """A recording, an outcomes file or another tool's log is not in the form it should be."""


class UnknownName(InputError):
    """A name that no plugin, suite, candidate or task carries."""

    def __init__(
        self, kind: str, name: str, known: Iterable[str], *, where: str | None = None
    ) -> None:
        names = sorted(known)
        super().__init__(
            f"unknown {kind} {name!r}", where=where, fix=did_you_mean(name, names, kind=kind)
        )
        self.name = name


class OutsideError(LlmrouteError):
    """The world outside failed: disk, network, a provider."""


class UnreadableVerdict(OutsideError):
    """The judge answered, but not with a verdict in the form it was given.

    The call itself was answered and is paid for: there is nothing to retry or to leave unbilled.
    """


class StoreError(OutsideError):
    """The store cannot be opened, read or written."""


class StoreBusy(StoreError):
    """Another process is writing to this store."""

    exit_code = EXIT_INPUT


class StoreTooNew(StoreError):
    """The store was written by a later version of llmroute."""

    exit_code = EXIT_INPUT


class CallError(LlmrouteError):
    """One call to a model failed. The scheduler turns it into a `Failure` of the same kind."""

    kind: ClassVar[str] = "call_error"

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        fix: str | None = None,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        self.status = status
        self.retry_after_s = retry_after_s


class RateLimited(CallError):
    """429: too many requests or tokens; the only failure that says when to come back."""

    kind = "rate_limited"


class TimedOut(CallError):
    """No complete answer within the candidate's timeout."""

    kind = "timed_out"


class ConnectionFailed(CallError):
    """Refused, reset or unreachable: no HTTP answer at all."""

    kind = "connection"


class ServerFailed(CallError):
    """A 5xx answer."""

    kind = "server_error"


class Unauthorized(CallError):
    """401 or 403: the key is wrong, missing or not allowed to use the model."""

    kind = "unauthorized"


class NotFound(CallError):
    """404: no such model or path at this endpoint."""

    kind = "not_found"


class BadRequest(CallError):
    """The endpoint refuses the request as written; asking again would not help."""

    kind = "bad_request"


class ContextTooLong(CallError):
    """Prompt plus answer do not fit the model's context window."""

    kind = "context_too_long"


class ContentRefused(CallError):
    """The provider's policy refused the content; neither retried nor handed to a dearer model."""

    kind = "content_refused"


class MalformedAnswer(CallError):
    """The endpoint answered, but not with a chat completion."""

    kind = "malformed_answer"


class NotRecorded(CallError):
    """A recording holds no answer to this call, or `--offline` forbids asking for one."""

    kind = "not_recorded"


class BudgetSpent(CallError):
    """The call was not sent because it could have passed the spending cap."""

    kind = "budget_spent"
    exit_code = EXIT_BUDGET


_FAILURE_WORDS = {
    "connection": "not reached",
    "server_error": "failed on the server",
    "content_refused": "refused for their content",
    "context_too_long": "too long for the model",
    "budget_spent": "beyond the budget",
    "malformed_answer": "answered with something else",
    "bad_request": "refused as written",
}


def failure_words(kind: str) -> str:
    """A failure kind as a person says it of some calls.

    >>> failure_words("connection"), failure_words("rate_limited")
    ('not reached', 'rate limited')
    """
    return _FAILURE_WORDS.get(kind, kind.replace("_", " "))


def did_you_mean(name: str, known: Iterable[str], *, kind: str = "name") -> str:
    """One sentence that proposes the closest of `known`, or lists them.

    >>> did_you_mean("rouge_1", ["exact", "rouge_l"], kind="metric")
    "Did you mean 'rouge_l'? Known metrics: exact, rouge_l."
    """
    from rapidfuzz import fuzz, process

    names = list(known)
    if not names:
        return f"There is no {kind} to choose from."
    plural = f"{kind[:-1]}ies" if kind.endswith(("ory", "ity")) else f"{kind}s"
    listed = ", ".join(names[:30]) + (", …" if len(names) > 30 else "")
    close = process.extractOne(name, names, scorer=fuzz.ratio, score_cutoff=60)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return f"{hint}Known {plural}: {listed}."
