"""FittedRecogniser ⇄ the `recogniser` section of a map."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from llmroute.records import Confusion, FittedRecogniser, OutOfScope, RecognitionFigures

if TYPE_CHECKING:
    from llmroute.routing_map.schema import RecogniserFile


def recogniser_to_dict(fitted: FittedRecogniser | None) -> dict[str, Any]:
    """The section under its key; nothing where there is none."""
    return {} if fitted is None else {"recogniser": asdict(fitted)}


def read_recogniser(file: RecogniserFile | None) -> FittedRecogniser | None:
    """What the section says."""
    if file is None:
        return None
    written: dict[str, Any] = file.model_dump()
    confusions = (
        Confusion(**{**one, "samples": tuple(one["samples"])}) for one in written["confusions"]
    )
    parts = {
        "tasks": tuple(written["tasks"]),
        "figures": tuple(RecognitionFigures(**one) for one in written["figures"]),
        "confusions": tuple(confusions),
        "out_of_scope": tuple(OutOfScope(**one) for one in written["out_of_scope"]),
    }
    return FittedRecogniser(**{**written, **parts})
