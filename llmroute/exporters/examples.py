"""A map's utterances and a run's prompts → the example texts that a semantic router learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmroute.clip import clip
from llmroute.errors import InputError
from llmroute.records import Match, Prompt, RoutingMap

DEFAULT_EXAMPLES = 20
"""Prompts a task, beside its utterances."""

MAX_CHARS = 1_000

Examples = Mapping[str, Sequence[str]]
"""Task → prompts of its samples."""


def choose_examples(prompts: Sequence[Prompt], n: int) -> dict[str, tuple[str, ...]]:
    """Task → at most n different prompts, taken evenly from its samples in their order.

    >>> asked = [Prompt("sums", str(i), f"{i} + 1?") for i in range(9)]
    >>> choose_examples(asked, 3)
    {'sums': ('0 + 1?', '3 + 1?', '6 + 1?')}
    """
    texts: dict[str, dict[str, None]] = {}
    for prompt in prompts:
        if prompt.text and prompt.text.strip():
            texts.setdefault(prompt.task, {})[clip(prompt.text, MAX_CHARS)] = None
    return {task: _evenly(list(found), n) for task, found in texts.items()}


def learnt_from(routing_map: RoutingMap, examples: Examples) -> dict[str, tuple[str, ...]]:
    """Task → its utterances, then its example prompts, each text once.

    Raises:
        InputError: a task has neither.
    """
    texts = {
        task.task: tuple(
            dict.fromkeys(
                [
                    *routing_map.matches.get(task.task, Match()).utterances,
                    *examples.get(task.task, ()),
                ]
            )
        )
        for task in routing_map.tasks
    }
    bare = [task for task, found in texts.items() if not found]
    if bare:
        raise InputError(
            f"there is no example of a request for {', '.join(bare)}",
            fix="Add 'match: utterances:' to the suite, or name the outcomes the map was made"
            " from: --data FILE",
        )
    return texts


def _evenly(texts: Sequence[str], n: int) -> tuple[str, ...]:
    step = max(1, len(texts) / n) if n else 1
    return tuple(texts[int(place * step)] for place in range(min(n, len(texts))))
