"""A decision → the name of the LiteLLM model group that carries it out."""

from __future__ import annotations

from typing import Literal

Tier = Literal["weak", "strong"]

PREFIX = "llmroute"


def group_name(task: str | None, tier: Tier | None = None) -> str:
    """The model group of a task, or of one side of its query router.

    >>> group_name("gsm"), group_name("gsm", "strong"), group_name(None, "weak")
    ('llmroute/gsm', 'llmroute/gsm/strong', 'llmroute/weak')
    """
    return "/".join(part for part in (PREFIX, task, tier) if part)
