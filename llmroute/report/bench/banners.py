"""Comparison + RoutingMap → what must be said in red: why the report may be wrong as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from math import ceil, log
from typing import TYPE_CHECKING

from llmroute.errors import failure_words
from llmroute.report.amounts import bar_text, count_text, counted, share_text
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from llmroute.records import Comparison, Provenance, QualityRule, RoutingMap, TaskComparison

MAX_FAILED_SHARE = 0.02
MAX_AGE_DAYS = 30
MOST_LISTED = 6


def raise_banners(comparison: Comparison, routing_map: RoutingMap) -> tuple[str, ...]:
    """One sentence for each thing that puts the whole report in doubt."""
    return (
        *_judged(comparison),
        *_failed(comparison),
        *_too_few(comparison),
        *_old_answers(routing_map.provenance),
    )


def _judged(comparison: Comparison) -> Iterator[str]:
    tasks = [
        task.task
        for task in comparison.tasks
        if any(cell.judge and not cell.judge.calibrated for cell in task.cells)
    ]
    if tasks:
        yield (
            f"No people's labels correct the judge on {_listed(tasks)}: its scores are taken at "
            "its word, which proves nothing. Run llmroute judge agree to set it beside people."
        )


def _failed(comparison: Comparison) -> Iterator[str]:
    kinds: Counter[str] = Counter()
    n_planned = 0
    for task in comparison.tasks:
        for cell in task.cells:
            n_planned += cell.n_planned - cell.failures.get("not_asked", 0)
            kinds.update({k: n for k, n in cell.failures.items() if k != "not_asked"})
    missing = sum(kinds.values())
    if n_planned and missing / n_planned > MAX_FAILED_SHARE:
        kind, count = min(kinds.items(), key=lambda item: (-item[1], item[0]))
        yield (
            f"{share_text(missing / n_planned)} of the calls carry no score "
            f"({count_text(missing)} of {count_text(n_planned)}; the most frequent reason: "
            f"{failure_words(kind)}, {count_text(count)}). Means are of the others alone, and may "
            "flatter who failed."
        )


def _too_few(comparison: Comparison) -> Iterator[str]:
    short = [words for task in comparison.tasks for words in _shortage(task, comparison.rule)]
    if short:
        yield (
            f"Too few samples to show anything: not even a perfect score would do on "
            f"{_listed(short)}."
        )


def _shortage(task: TaskComparison, rule: QualityRule) -> Iterator[str]:
    """Where n right answers out of n leave a lower bound under the bar less the margin.

    That bound is α^(1/n) (Clopper & Pearson 1934, at k = n), so that n must reach ln α / ln bar.
    """
    n = max((cell.n_samples for cell in task.cells), default=0)
    bar = task.quality_threshold
    if bar is None or not n or rule.evidence == "mean":
        return
    aim = bar - rule.margin if rule.evidence == "likely" else bar
    if 0 < aim < 1:
        enough = ceil(log(1 - rule.confidence) / log(aim) - 1e-9)
        if n < enough:
            yield f"{one_line(task.task, 60)} ({n} of {enough} for a bar of {bar_text(bar)})"


def _old_answers(provenance: Provenance) -> Iterator[str]:
    if provenance.started is None or provenance.oldest_answer is None:
        return
    started, oldest = (_time(text) for text in (provenance.started, provenance.oldest_answer))
    if started is None or oldest is None:
        return
    age = (started - oldest).days
    if age > MAX_AGE_DAYS:
        yield (
            f"The oldest answers were {counted(age, 'day')} old when the run began: models change "
            "behind their names. Run llmroute bench --refresh to ask again."
        )


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _listed(words: list[str]) -> str:
    more = len(words) - MOST_LISTED
    shown = [one_line(word, 80) for word in words[:MOST_LISTED]]
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
