"""Decision → what `llmroute route` prints: a few lines, or one JSON object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llmroute.report.amounts import UNKNOWN, usd_text

if TYPE_CHECKING:
    from llmroute.recogniser.recognise import Recognition
    from llmroute.router import Decision

SCHEMA = "llmroute/route/1"
MAX_SIMILAR = 3


def decision_rows(decision: Decision) -> list[tuple[str, str]]:
    """(what, value) of each line."""
    found = decision.recognition
    task = decision.task or "unknown"
    why = f" ({found.reason})" if found and decision.task else ""
    rows = [
        ("model", decision.model),
        ("task", f"{task}, by {decision.layer}{why}" if decision.task else task),
        ("reason", decision.reason),
        ("fallbacks", ", ".join(decision.fallbacks) or UNKNOWN),
        ("cost", f"{usd_text(decision.expected_usd_per_1k)} per 1,000 requests"),
    ]
    if decision.strong_win_rate is not None:
        rows.insert(3, ("strong_win_rate", f"{decision.strong_win_rate:.3f}"))
    return rows


def explain_rows(decision: Decision, query_router: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """(layer, what it saw) in the layers' order, the query router's own lines last."""
    found = decision.recognition
    if found is None:
        return
    by_kind = {
        "tag": ("tag",),
        "rule": ("system", "template", "keyword", "pattern", "condition"),
    }
    for layer, kinds in by_kind.items():
        seen = [
            f"{task}: {', '.join(str(sign) for sign in signs if sign.kind in kinds)}"
            for task, signs in found.signs.items()
            if any(sign.kind in kinds for sign in signs)
        ]
        yield layer, "; ".join(seen) or "nothing"
    yield "semantic", _likeness(found)
    for line in query_router or ("not asked",):
        yield "query router", line


def _likeness(found: Recognition) -> str:
    if not found.similarities:
        return "not asked"
    ranked = list(found.similarities.items())[:MAX_SIMILAR]
    listed = ", ".join(f"{task} {similarity:.2f}" for task, similarity in ranked)
    return f"{listed}; {found.threshold:.2f} is enough"


def decision_json(
    decision: Decision, *, explain: bool = False, query_router: Sequence[str] = ()
) -> dict[str, Any]:
    """The decision as JSON values; with `explain`, also what each layer saw."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "model": decision.model,
        "task": decision.task,
        "layer": decision.layer,
        "reason": decision.reason,
        "fallbacks": list(decision.fallbacks),
        "strong_win_rate": decision.strong_win_rate,
        "similarity": decision.similarity,
        "expected_usd_per_1k": decision.expected_usd_per_1k,
        "query_routed": decision.query_routed,
    }
    if explain and decision.recognition is not None:
        lines = list(query_router)
        document["explain"] = {**_explained(decision.recognition), "query_router": lines}
    return document


def _explained(found: Recognition) -> Mapping[str, Any]:
    return {
        "reason": found.reason,
        "signs": {
            task: [{"kind": sign.kind, "found": sign.found} for sign in signs]
            for task, signs in found.signs.items()
        },
        "similarities": dict(list(found.similarities.items())[:MAX_SIMILAR]),
        "threshold": found.threshold,
    }
