"""Plan → answers in the store: what is asked, under which cap, and kept as it comes."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from llmroute.calls.budget import Ledger
from llmroute.calls.builtin_client import open_builtin
from llmroute.calls.client import Clients
from llmroute.calls.lanes import Pacing
from llmroute.calls.offline import OfflineClients, is_inside, refuse_to_ask
from llmroute.calls.redact import secrets_in
from llmroute.calls.run import run_calls
from llmroute.calls.source import CallSource
from llmroute.errors import StoreError
from llmroute.outcomes.recording import read_recording
from llmroute.plan.matrix import Plan
from llmroute.records import Call, Candidate, Completion, Config, Failure
from llmroute.store.manifest import RunState, secrets_of
from llmroute.store.writer import FLUSH_S, StoreWriter


class ToldSource(CallSource, Protocol):
    """Decides what is asked next by what it is told."""

    def done(self, call: Call, result: Completion | Failure) -> None:
        """A call is answered or has failed for good."""
        ...


Wanted = Sequence[Call] | ToldSource
"""The calls to send: all known beforehand, or as races and verdicts fall."""


class Listener(Protocol):
    """Is told how a run goes; the command line shows it."""

    def planned(self, plan: Plan, n_stored: int) -> None:
        """Before the first call: the plan, and how many of its answers the store holds."""

    def done(self, call: Call, result: Completion | Failure) -> None:
        """A call is answered or has failed for good."""

    def failed_try(self, call: Call, failure: Failure) -> None:
        """A try has failed; the call may get another."""

    def stopped(self, candidate: Candidate, failure: Failure) -> None:
        """A candidate is not asked any more."""

    def interrupted(self) -> None:
        """The first Ctrl-C: nothing more is sent."""


def ask(
    wanted: Wanted,
    plan: Plan,
    config: Config,
    ledger: Ledger,
    store: StoreWriter,
    listener: Listener,
    env: Mapping[str, str],
    *,
    offline: bool,
) -> bool:
    """Send the calls and keep what comes of each; True where it was interrupted.

    Args:
        wanted: the calls, or what says which as answers come in.
        plan: what they are part of.
        config: concurrency, limits and seed.
        ledger: the cap; books what is spent.
        store: keeps every answer, failure and try.
        listener: is told of each.
        env: where keys are found, and what no message may contain.
        offline: no socket is opened; a call that would need one is refused.

    Raises:
        OutsideError: `offline`, and answers are missing.
    """
    unrecorded: list[Call] = []

    def keep(call: Call, result: Completion | Failure) -> None:
        if isinstance(result, Completion):
            store.put_answer(call, result)
        elif offline and not is_inside(call.candidate):
            unrecorded.append(call)  # not a failure of the model's: it was never asked
        else:
            store.put_failure(call, result)
        if not isinstance(wanted, Sequence):
            wanted.done(call, result)
        listener.done(call, result)

    def keep_try(call: Call, failure: Failure) -> None:
        if not offline:
            store.put_attempt(call, failure)
        listener.failed_try(call, failure)

    if isinstance(wanted, Sequence) and not wanted:
        return False
    clients = Clients(env=env, builtin=open_builtin, read_recording=read_recording)
    with _flushing(store):
        interrupted = run_calls(
            wanted,
            OfflineClients(clients) if offline else clients,
            on_done=keep,
            on_attempt=keep_try,
            on_stopped=listener.stopped,
            on_interrupt=listener.interrupted,
            rng=random.Random(config.seed),  # noqa: S311 - jitter, not cryptography
            concurrency=config.concurrency,
            pacing=Pacing(key_limits=config.provider_limits),
            ledger=ledger,
            secrets=secrets_in(env).union(*(secrets_of(c) for c in plan.asked)),
        )
    refuse_to_ask(unrecorded)
    return interrupted


def how_it_ended(ledger: Ledger, *, interrupted: bool) -> RunState:
    """The state of a run that has asked all it could."""
    if interrupted:
        return "interrupted"
    return "budget_spent" if ledger.unsent else "finished"


@contextmanager
def _flushing(store: StoreWriter) -> Iterator[None]:
    """Commit every `FLUSH_S` seconds: the last answer of a burst must not wait for the next."""
    ended = threading.Event()
    refused: list[Exception] = []

    def tick() -> None:
        while not ended.wait(FLUSH_S):
            try:
                store.flush()
            except StoreError:
                continue  # all of it is still there: the next answer's flush, or the last, says so
            except Exception as error:  # noqa: BLE001 - a thread has nobody to raise it to
                refused.append(error)

    thread = threading.Thread(target=tick, daemon=True, name="store-flush")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        store.flush()
    if refused:
        raise refused[0]
