"""Program → Client: a candidate that runs in this process, and what its computing costs."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from llmroute.builtin import PROGRAMS, Program
from llmroute.errors import InputError, ServerFailed
from llmroute.records import Call, Candidate, Completion, Price

BUILTIN_PRICE = Price(
    # One vCPU of a general-purpose cloud machine on demand: AWS m7i.large, us-east-1, lists at
    # 0.1008 USD an hour for two.
    usd_per_hour=0.05,
    source="builtin: 0.05 USD per vCPU-hour",
)
"""What a `builtin/` candidate costs where the configuration states no price of its own."""


class BuiltinClient:
    """Answers calls from a program, one after the other, beside the event loop.

    A program that computes for long would otherwise hold up every answer in flight and make the
    other candidates look slow.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._thread: ThreadPoolExecutor | None = None

    async def complete(self, call: Call) -> Completion:
        """The program's answer, with the CPU time it took as `busy_s`.

        Raises:
            InputError: the program lacks something a person must provide.
            ServerFailed: the program raised.
        """
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="builtin")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, call)

    async def close(self) -> None:
        """Let the thread go; it is started again when a call comes."""
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None

    def _answer(self, call: Call) -> Completion:
        started_s, cpu_started_s = time.perf_counter(), time.thread_time()
        try:
            output = self._program.answer(call.messages, call.labels)
        except InputError:
            raise
        except Exception as error:
            raise ServerFailed(
                f"the program raised {type(error).__name__}: {error}",
                where=f"candidate {call.candidate.name!r}, sample {call.sample_id!r}",
                fix="Report it to the program's author; the call counts as not answered.",
            ) from error
        return Completion(
            key=call.key,
            output=output,
            finish_reason="stop",
            latency_s=time.perf_counter() - started_s,
            busy_s=time.thread_time() - cpu_started_s,
            model_returned=call.candidate.model,
            created_s=time.time(),
        )


def open_builtin(candidate: Candidate) -> BuiltinClient:
    """The client of a `builtin/NAME` candidate; its `params` are the program's parameters.

    Raises:
        UnknownName: no program carries the name.
        InputError: a parameter is wrong, or the program lacks an extra or a folder.
    """
    where = f"candidate {candidate.name!r}"
    name = candidate.model.removeprefix("builtin/")
    program: Program = PROGRAMS.build(name, candidate.params, where=where)
    # What it lacks (an extra, a folder) shows on the smallest request, before the first call.
    program.answer((), ())
    return BuiltinClient(program)
