"""FittedRecogniser → RecognitionView: how well requests are recognised, and what mistakes do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmroute.report.amounts import UNKNOWN, count_text, quality_text, share_text, usd_text

if TYPE_CHECKING:
    from llmroute.records import (
        Confusion,
        FittedRecogniser,
        OutOfScope,
        RecognitionFigures,
        RoutingMap,
    )

FORMS = {
    "whole": "as the bench sends them",
    "prompt": "without the system message",
    "bare": "the samples’ own words alone",
}
STRANGERS = {
    "other_tasks": "of a task that no suite stood for",
    "background": "what people ask of any assistant",
}
NOTHING = "unknown"


@dataclass(frozen=True, slots=True)
class FormView:
    """Requests of one form, as text."""

    form: str
    n: str
    right: str
    unknown: str
    by_rule: str
    loss: str
    extra: str


@dataclass(frozen=True, slots=True)
class MistakeView:
    """Requests of one task that were taken for another's, as text."""

    form: str
    task: str
    recognised: str
    layer: str
    n: int
    model: str
    loss: str
    is_costly: bool
    """Whether they fall below the bar by it, or might."""
    extra: str
    samples: str


@dataclass(frozen=True, slots=True)
class MatrixView:
    """The confusion matrix of one form: rows are the true tasks, columns what was recognised."""

    form: str
    columns: tuple[str, ...]
    """The tasks, and unknown."""
    rows: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class StrangerView:
    """Requests of no task, as text."""

    kind: str
    n: str
    accepted: str
    loss: str


@dataclass(frozen=True, slots=True)
class RecognitionView:
    """What a report says of the recogniser."""

    sentence: str
    threshold: str
    embedding: str
    forms: tuple[FormView, ...]
    mistakes: tuple[MistakeView, ...]
    """The costliest first."""
    matrices: tuple[MatrixView, ...]
    strangers: tuple[StrangerView, ...]


def view_recognition(routing_map: RoutingMap) -> RecognitionView | None:
    """What a report says of the map's recogniser; None where it has none."""
    fitted = routing_map.recogniser
    if fitted is None:
        return None
    costly_first = sorted(
        fitted.confusions, key=lambda one: (-_loss(one) * one.n, -one.n, one.task, one.form)
    )
    return RecognitionView(
        sentence=recognition_sentence(fitted),
        threshold=f"{fitted.threshold:.2f}",
        embedding=fitted.embedding,
        forms=tuple(_form(one) for one in fitted.figures),
        mistakes=tuple(_mistake(one) for one in costly_first),
        matrices=tuple(_matrix(one.form, fitted) for one in fitted.figures),
        strangers=tuple(_stranger(one) for one in fitted.out_of_scope),
    )


def recognition_sentence(fitted: FittedRecogniser) -> str:
    """How many requests were recognised, form by form, and what the mistakes cost."""
    shares = ", ".join(f"{share_text(one.accuracy)} {FORMS[one.form]}" for one in fitted.figures)
    worst = max(one.quality_loss for one in fitted.figures)
    cost = (
        "no mistake routes below a bar"
        if worst == 0
        else f"mistakes lose at most {worst:.4f} of quality below the bar on average"
    )
    return f"Requests whose task is recognised: {shares}; {cost}."


def _form(figures: RecognitionFigures) -> FormView:
    return FormView(
        FORMS[figures.form],
        count_text(figures.n),
        share_text(figures.accuracy),
        share_text(figures.unknown),
        share_text(figures.by_rule),
        _points(figures.quality_loss),
        _extra(figures.extra_usd_per_1k),
    )


def _mistake(one: Confusion) -> MistakeView:
    samples = ", ".join(one.samples) + (", …" if one.n > len(one.samples) else "")
    return MistakeView(
        form=FORMS[one.form],
        task=one.task,
        recognised=one.recognised or NOTHING,
        layer=one.layer,
        n=one.n,
        model=one.model,
        loss="not known" if one.quality_loss is None else _points(one.quality_loss),
        is_costly=one.quality_loss != 0,
        extra=_extra(one.extra_usd_per_1k),
        samples=samples,
    )


def _matrix(form: str, fitted: FittedRecogniser) -> MatrixView:
    wrong: Counter[tuple[str, str | None]] = Counter()
    for one in fitted.confusions:
        wrong[one.task, one.recognised] += one.n * (one.form == form)
    columns = (*fitted.tasks, None)
    rows = []
    for task in fitted.tasks:
        missed = sum(n for (true, _), n in wrong.items() if true == task)
        right = fitted.n_samples.get(task, 0) - missed
        cells = tuple(right if name == task else wrong[task, name] for name in columns)
        rows.append((task, cells))
    return MatrixView(FORMS[form], (*fitted.tasks, NOTHING), tuple(rows))


def _stranger(one: OutOfScope) -> StrangerView:
    loss = UNKNOWN if one.quality_loss is None else _points(one.quality_loss)
    return StrangerView(STRANGERS[one.kind], count_text(one.n), share_text(one.accepted), loss)


def _loss(one: Confusion) -> float:
    return 1.0 if one.quality_loss is None else one.quality_loss


def _points(loss: float) -> str:
    return "none" if loss == 0 else quality_text(loss)


def _extra(usd: float | None) -> str:
    return usd_text(usd) if usd is None or usd <= 0 else f"+{usd_text(usd)}"
