"""How a request's task is recognised in production, and how well that was seen to work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

RECOGNISER_EMBEDDING = "hashed:4096"


@dataclass(frozen=True, slots=True)
class Match:
    """How a request of this task is recognised in production.

    By rule, where a keyword or a pattern is found (or none is written) and every condition holds.
    """

    tags: tuple[str, ...] = ()
    """What the request's metadata may say; the task's own name always counts as one."""
    keywords: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    utterances: tuple[str, ...] = ()
    """Example requests, for recognition by likeness; no rule reads them."""
    min_chars: int | None = None
    max_chars: int | None = None
    has_code: bool | None = None
    """A condition: whether a fenced block or lines of code stand in the request."""
    has_json: bool | None = None
    """A condition: whether a JSON object or list of some size stands in it."""
    template: tuple[str, ...] = ()
    """In a map: the fixed words of the suite's prompt, in their order, white space squeezed."""
    system: str | None = None
    """In a map: SHA-256 of the suite's system message, white space squeezed."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """Samples of one task that were taken for another's, and what that does to them."""

    form: Literal["whole", "prompt", "bare"]
    """With the suite's system message, without it, or the samples' own words alone."""
    task: str
    recognised: str | None
    """None: unknown, so the reference answers."""
    layer: Literal["rule", "semantic", "unknown"]
    """What took them for it."""
    model: str
    """Who answers them then."""
    n: int
    quality_loss: float | None
    """How much further below the task's bar that model is than the right one, in [0, 1]; None:
    it was not scored on the task."""
    extra_usd_per_1k: float | None
    """What 1,000 of them cost more than by the right route; None: not known."""
    samples: tuple[str, ...]
    """Some of them, by their ids."""


@dataclass(frozen=True, slots=True)
class RecognitionFigures:
    """How requests of one form were recognised by what had not seen them."""

    form: Literal["whole", "prompt", "bare"]
    n: int
    accuracy: float
    """Share whose task was found; unknown is no task."""
    unknown: float
    by_rule: float
    """Share that a rule or the suite's own template decided."""
    quality_loss: float
    """Mean over all of them, in the tasks' traffic shares; a model not scored counts as 0."""
    extra_usd_per_1k: float | None


@dataclass(frozen=True, slots=True)
class OutOfScope:
    """How requests were taken that are of none of the tasks."""

    kind: Literal["other_tasks", "background"]
    """Samples of tasks that were left out of the fit, or what people ask of any assistant."""
    n: int
    accepted: float
    """Share that was taken for a task's all the same."""
    quality_loss: float | None
    """Mean, by the evidence on the left-out tasks; None: nothing is known of the background."""


@dataclass(frozen=True, slots=True)
class FittedRecogniser:
    """What tasks are recognised by where no tag or rule decides, and how well."""

    tasks: tuple[str, ...]
    embedding: str
    embedding_id: str
    """What tells the embedder from another of its name."""
    threshold: float
    """`similarity >= threshold` takes a request for the likeliest task's; below: unknown."""
    n_samples: Mapping[str, int]
    """Task → samples it was fitted and judged on."""
    figures: tuple[RecognitionFigures, ...]
    confusions: tuple[Confusion, ...]
    out_of_scope: tuple[OutOfScope, ...]
    weights: str
    """One linear score a task, packed as base64."""
    sha256: str
    """Of all that decides."""
