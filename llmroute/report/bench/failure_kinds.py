"""Comparison → what went wrong, by kind: how often, and with whom."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmroute.errors import failure_words
from llmroute.report.amounts import share_text
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Comparison

MOST_LISTED = 4


@dataclass(frozen=True, slots=True)
class FailureKind:
    """One reason why calls carry no score, or why attempts at calls failed."""

    kind: str
    count: int
    share: str
    """Of all planned calls; of attempts, of all that failed."""
    candidates: str
    """Whom it befell, the most frequent first."""


def view_failure_kinds(comparison: Comparison) -> tuple[FailureKind, ...]:
    """Every kind of failure, the commonest first."""
    found: dict[str, Counter[str]] = {}
    for cell in (cell for task in comparison.tasks for cell in task.cells):
        for kind, count in cell.failures.items():
            found.setdefault(kind, Counter())[cell.candidate] += count
    return _kinds(found, sum(cell.n_planned for task in comparison.tasks for cell in task.cells))


def view_attempts(attempts: Mapping[tuple[str, str], int]) -> tuple[FailureKind, ...]:
    """Every kind of failed attempt, by (candidate, kind); the commonest first."""
    found: dict[str, Counter[str]] = {}
    for (candidate, kind), count in attempts.items():
        found.setdefault(kind, Counter())[candidate] += count
    return _kinds(found, sum(attempts.values()))


def _kinds(found: Mapping[str, Counter[str]], n_all: int) -> tuple[FailureKind, ...]:
    kinds = [
        FailureKind(failure_words(kind), who.total(), share_text(who.total() / max(n_all, 1)),
                    _listed(who))
        for kind, who in found.items() if who.total()
    ]  # fmt: skip
    return tuple(sorted(kinds, key=lambda kind: (-kind.count, kind.kind)))


def _listed(who: Counter[str]) -> str:
    ranked = sorted(who.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{one_line(name, 40)} {count:,}" for name, count in ranked[:MOST_LISTED] if count]
    more = sum(1 for _, count in ranked if count) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
