"""A run as a person follows it: calls, spend, rate and time left, on stderr."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from llmroute.cli.console import say, stderr_console
from llmroute.records import Completion

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress

    from llmroute.plan.matrix import Plan
    from llmroute.records import Call, Candidate, Failure

EVERY_S = 30.0
"""Between two lines where there is no terminal to redraw."""


class RunProgress:
    """A `Listener` that redraws one line on a terminal and writes a line now and then elsewhere."""

    def __init__(self, *, quiet: bool = False, what: str | None = None) -> None:
        """Nothing is shown yet.

        Args:
            quiet: no progress at all.
            what: what is about to be asked; None: the plan's suites, candidates and calls.
        """
        self._what = what
        self._console = stderr_console()
        self._quiet = quiet
        self._bar: Progress | None = None
        self._started_s = self._said_s = time.monotonic()
        self._total = self._asked = self._spent_usd = 0.0
        self._unpriced = 0
        self._failures: Counter[str] = Counter()

    def __enter__(self) -> RunProgress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def planned(self, plan: Plan, n_stored: int) -> None:
        """Say what is about to happen, and start the bar."""
        verdicts = _n_verdicts(plan)
        self._total = len(plan.calls) - n_stored + verdicts
        if not self._quiet:
            say(self._what or _described(plan, n_stored, verdicts))
        if self._total and not self._quiet and self._console.is_terminal:
            self._bar = self._new_bar()
            self._bar.start()

    def done(self, call: Call, result: Completion | Failure) -> None:
        """Count one finished call."""
        self._asked += 1
        if isinstance(result, Completion):
            self._count_cost(call, result)
        else:
            self._failures[result.kind] += 1
        self._show()

    def failed_try(self, call: Call, failure: Failure) -> None:
        """Tries are stored; only what stays failed is counted here."""

    def stopped(self, candidate: Candidate, failure: Failure) -> None:
        """Say at once why a candidate is not asked any more."""
        say(f"{candidate.name} is not asked any more: {failure.message}")

    def interrupted(self) -> None:
        """Say what happens now."""
        say("Interrupted: waiting up to 10 s for calls in flight; Ctrl-C again to stop at once.")

    def _count_cost(self, call: Call, completion: Completion) -> None:
        cost = completion.cost_usd(call.candidate.price)
        if cost is None:
            self._unpriced += 1
        else:
            self._spent_usd += cost

    def _show(self) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], advance=1, facts=self._facts())
            return
        now = time.monotonic()
        if not self._quiet and now - self._said_s >= EVERY_S:
            self._said_s = now
            say(f"{self._asked:,.0f} of {self._total:,.0f} calls, {self._facts()}")

    def _facts(self) -> str:
        rate = self._asked / max(time.monotonic() - self._started_s, 1e-9)
        failed = sum(self._failures.values())
        parts = [f"${self._spent_usd:.4f}", f"{rate:,.0f} calls/s"]
        if self._unpriced:
            parts.append(f"{self._unpriced:,} unpriced")
        if failed:
            parts.append(f"{failed:,} failed")
        return ", ".join(parts)

    def _new_bar(self) -> Progress:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        bar = Progress(
            TextColumn("asking"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[facts]}", markup=False),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        bar.add_task("calls", total=self._total, facts="")
        return bar


def _described(plan: Plan, n_stored: int, verdicts: int) -> str:
    suites = _counted(len(plan.suites), "suite")
    candidates = _counted(len(plan.candidates), "candidate")
    stored = f", {n_stored:,} already in the store" if n_stored else ""
    judged = f", up to {verdicts:,} to judges" if verdicts else ""
    return f"{suites} × {candidates}: {len(plan.calls):,} calls{stored}{judged}"


def _n_verdicts(plan: Plan) -> int:
    """Calls to judges, where every answer gets a verdict and none must be repaired."""
    n_of = {
        s.name: len(s.judge.judges) * (1 if s.judge.pairwise is None else 2)
        for s in plan.suites
        if s.judge is not None
    }
    return sum(n_of.get(call.suite, 0) for call in plan.calls)


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
