"""The door between the synchronous stages and the scheduler: one event loop, and Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llmroute.calls.execute import execute

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from llmroute.calls.budget import Ledger
    from llmroute.calls.client import Client
    from llmroute.calls.intake import Result
    from llmroute.calls.lanes import Pacing
    from llmroute.calls.retry import Randomness, RetryRule
    from llmroute.calls.source import CallSource
    from llmroute.records import Call, Candidate, Failure

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_calls(
    calls: Iterable[Call] | CallSource,
    client_for: Callable[[Candidate], Client],
    *,
    on_done: Callable[[Call, Result], None],
    rng: Randomness,
    on_attempt: Callable[[Call, Failure], None] | None = None,
    on_stopped: Callable[[Candidate, Failure], None] | None = None,
    on_limit: Callable[[str, float, int], None] | None = None,
    on_interrupt: Callable[[], None] | None = None,
    concurrency: int = 64,
    pacing: Pacing | None = None,
    ledger: Ledger | None = None,
    retry: RetryRule | None = None,
    secrets: Collection[str] = (),
    grace_s: float = 10.0,
) -> bool:
    """Send every call as `execute` does, close the clients, and say whether it was interrupted.

    Where the calls are a sequence, every client is opened before the first call is sent: a
    candidate that cannot be called is said in time, and no import holds up answers on their way.

    The first SIGINT or SIGTERM sends nothing more and gives what is in flight `grace_s` seconds;
    the second ends the run at once. Every argument but these two is `execute`'s.

    Args:
        on_interrupt: told of the first signal, to say that a second one does not wait.
        grace_s: seconds.

    Returns:
        True where a signal cut the run short: `on_done` then knows what was finished.
    """
    used: dict[str, Client] = {}

    def opened(candidate: Candidate) -> Client:
        if candidate.name not in used:
            used[candidate.name] = client_for(candidate)
        return used[candidate.name]

    async def run() -> bool:
        stop = asyncio.Event()
        with _signals(stop, on_interrupt):
            try:
                if isinstance(calls, Sequence):
                    for call in calls:
                        opened(call.candidate)
                await execute(
                    calls,
                    opened,
                    on_done=on_done,
                    rng=rng,
                    on_attempt=on_attempt,
                    on_stopped=on_stopped,
                    on_limit=on_limit,
                    concurrency=concurrency,
                    pacing=pacing,
                    ledger=ledger,
                    retry=retry,
                    secrets=secrets,
                    stop=stop,
                    grace_s=grace_s,
                )
            except asyncio.CancelledError:
                if not stop.is_set():
                    raise
            finally:
                for client in {id(client): client for client in used.values()}.values():
                    await client.close()
        return stop.is_set()

    return asyncio.run(run())


@contextlib.contextmanager
def _signals(stop: asyncio.Event, on_interrupt: Callable[[], None] | None) -> Iterator[None]:
    """The first signal sets `stop`, the second cancels the task that stands in this block."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def interrupted() -> None:
        if stop.is_set():
            if task is not None:
                task.cancel()
            return
        stop.set()
        if on_interrupt is not None:
            on_interrupt()

    installed = []
    for number in SIGNALS:
        # Only the main thread of a Unix process can; elsewhere KeyboardInterrupt ends the run.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, interrupted)
            installed.append(number)
    try:
        yield
    finally:
        for number in installed:
            loop.remove_signal_handler(number)
