"""Plan × store → what is answered already, and what is not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from llmroute.plan.matrix import Plan
from llmroute.records import Call, Completion
from llmroute.store.reader import StoreReader


def missing_calls(plan: Plan, reader: StoreReader, *, refresh: bool = False) -> list[Call]:
    """The plan's calls without an answer, in plan order; all of them where they are asked anew."""
    if refresh:
        return list(plan.calls)
    answered = reader.answered({call.key for call in plan.calls})
    return [call for call in plan.calls if call.key not in answered]


def stored_answers(store: Path, calls: Iterable[Call]) -> dict[str, Completion]:
    """Call key → answer, for those of the calls that the store holds; there may be none yet."""
    keys = {call.key for call in calls}
    if not keys or not store.exists():
        return {}
    with StoreReader.open(store) as reader:
        return reader.answers(keys)
