"""Whether a regular expression is found in the prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from llmroute.metrics import Unscorable
from llmroute.metrics.targets import target_texts
from llmroute.patterns import compile_pattern

if TYPE_CHECKING:
    from llmroute.records import Sample

MATCH_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Regex:
    """1.0 where the pattern is found in the prediction, else 0.0.

    The pattern is the parameter, or the sample's target (a list: alternatives). With `full` it
    must match all of the prediction but white space at its ends. A match may take one second:
    then the sample is not scored, for neither answer would be known. Syntax: the `regex` package
    (a superset of Python's `re`, which has no time limit).
    """

    needs_target: ClassVar[bool] = False
    right_or_wrong: ClassVar[bool] = True

    pattern: str | None = None
    ignore_case: bool = False
    full: bool = False

    def __post_init__(self) -> None:
        if self.pattern is not None:
            compile_pattern(self.pattern, ignore_case=self.ignore_case)

    def lacks(self, sample: Sample) -> str | None:
        """What the sample must have for this metric, or None."""
        if self.pattern is not None:
            return None
        if sample.target is None:
            return "no target"
        try:
            for pattern in target_texts(sample):
                compile_pattern(pattern, ignore_case=self.ignore_case)
        except ValueError as error:
            return f"no valid pattern in its target ({error})"
        return None

    def score(self, sample: Sample, prediction: str) -> float:
        """1.0 or 0.0.

        Raises:
            Unscorable: a pattern took longer than a second, or is not valid.
        """
        patterns = (self.pattern,) if self.pattern is not None else target_texts(sample)
        return float(any(self._matches(pattern, prediction) for pattern in patterns))

    def _matches(self, pattern: str, prediction: str) -> bool:
        try:
            compiled = compile_pattern(pattern, ignore_case=self.ignore_case)
            if self.full:
                match = compiled.fullmatch(prediction.strip(), timeout=MATCH_TIMEOUT_S)
            else:
                match = compiled.search(prediction, timeout=MATCH_TIMEOUT_S)
        except TimeoutError:
            raise Unscorable(f"pattern {pattern!r} took longer than {MATCH_TIMEOUT_S} s") from None
        except ValueError as error:
            raise Unscorable(str(error)) from error
        return match is not None
