"""Whether an answer settles on one of the allowed labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from llmroute.metrics.choice import checked_labels, read_choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Sample


@dataclass(frozen=True, slots=True)
class Label:
    """Whether the answer settles on an allowed label: the parameter, else the field "labels".

    In [0, 1]. `alone`: it says nothing else. Without labels `given` is 0 and nothing `failed`.
    """

    features: ClassVar[tuple[str, ...]] = ("given", "found", "alone", "failed")
    fails: ClassVar[tuple[str, ...]] = ("failed",)

    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", checked_labels(self.labels))

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:
        """The features by name."""
        labels = self.labels or _labels_of(sample.fields.get("labels"))
        if not labels:
            return dict.fromkeys(self.features, 0.0)
        found = read_choice(output, labels)
        alone = found is not None and len(output.strip()) <= len(found) + 4
        values = (True, found is not None, alone, found is None)
        return dict(zip(self.features, map(float, values), strict=True))


def _labels_of(value: Any) -> tuple[str, ...]:
    try:
        return checked_labels(value)
    except ValueError:
        return ()
