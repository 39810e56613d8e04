"""How much of a target object the predicted JSON has right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from llmroute.metrics import Unscorable
from llmroute.metrics.json_text import read_json

if TYPE_CHECKING:
    from llmroute.records import Sample

_MOST_COMPARISONS = 1_000_000


@dataclass(frozen=True, slots=True)
class JsonFields:
    """F1 of the leaf fields: 2·right / (fields predicted + fields of the target).

    A leaf is right where the same path holds an equal value of the same type ("5" is not 5, true
    is not 1, but 5 equals 5.0: JSON has one kind of number). Lists are aligned to the best match,
    order aside, unless `ordered` (or fields predicted × fields of the target pass a million).
    An empty object or list is one leaf. In [0, 1]; what is not
    JSON scores 0.0. Each wrong value costs precision and recall, each missing one recall, each
    invented one precision. Source: F1 over slots as in MUC-5 scoring, exact slots only.
    """

    needs_target: ClassVar[bool] = True

    ignore_case: bool = False
    ignore_space: bool = False
    """Runs of white space in texts count as one space, and none at the ends."""
    ordered: bool = False
    """Lists are compared position by position."""
    null_is_absent: bool = False
    """A field that is null counts as one that is not there."""
    tolerance: float | Mapping[str, float] = field(default=0.0)
    """Absolute numeric tolerance, for all fields or by path without indexes ("items.price")."""

    def lacks(self, sample: Sample) -> str | None:
        """What the sample must have for this metric, or None."""
        if sample.target is None:
            return "no target"
        try:
            target = self._target(sample)
        except ValueError:
            return "no JSON in its target"
        return None if isinstance(target, (dict, list)) else "no object or list in its target"

    def score(self, sample: Sample, prediction: str) -> float:
        """The F1 of prediction and target, in [0, 1].

        Raises:
            Unscorable: the target is text, but no JSON.
        """
        try:
            target = self._pruned(self._target(sample))
        except ValueError as error:
            raise Unscorable(f"the target is not JSON: {error}") from error
        try:
            found = self._pruned(read_json(prediction))
        except ValueError:
            return 0.0
        n_found, n_target = _n_leaves(found), _n_leaves(target)
        in_order = self.ordered or n_found * n_target > _MOST_COMPARISONS
        return 2 * self._n_right(found, target, "", in_order) / (n_found + n_target)

    def _target(self, sample: Sample) -> Any:
        return read_json(sample.target) if isinstance(sample.target, str) else sample.target

    def _pruned(self, value: Any) -> Any:
        if not self.null_is_absent:
            return value
        if isinstance(value, Mapping):
            return {k: self._pruned(v) for k, v in value.items() if v is not None}
        return [self._pruned(v) for v in value] if isinstance(value, (list, tuple)) else value

    def _n_right(self, found: Any, target: Any, path: str, in_order: bool) -> int:
        if isinstance(found, Mapping) and isinstance(target, Mapping):
            if not found and not target:
                return 1
            return sum(
                self._n_right(found[key], value, f"{path}.{key}" if path else str(key), in_order)
                for key, value in target.items()
                if key in found
            )
        if isinstance(found, (list, tuple)) and isinstance(target, (list, tuple)):
            if not found and not target:
                return 1
            return self._n_right_aligned(found, target, path, in_order)
        return int(self._equal(found, target, path))

    def _n_right_aligned(self, found: Any, target: Any, path: str, in_order: bool) -> int:
        if in_order:
            pairs = zip(found, target, strict=False)
            return sum(self._n_right(one, other, path, True) for one, other in pairs)
        return _best_alignment(
            len(found), len(target), lambda i, j: self._n_right(found[i], target[j], path, False)
        )

    def _equal(self, found: Any, target: Any, path: str) -> bool:
        if isinstance(found, bool) or isinstance(target, bool):
            return found is target
        if isinstance(found, (int, float)) and isinstance(target, (int, float)):
            return found == target or abs(found - target) <= self._tolerance_at(path)
        if isinstance(found, str) and isinstance(target, str):
            return self._normal(found) == self._normal(target)
        return found is None and target is None

    def _tolerance_at(self, path: str) -> float:
        if isinstance(self.tolerance, Mapping):
            return float(self.tolerance.get(path, 0.0))
        return self.tolerance

    def _normal(self, text: str) -> str:
        if self.ignore_case:
            text = text.casefold()
        return " ".join(text.split()) if self.ignore_space else text


def _n_leaves(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(map(_n_leaves, value.values())) or 1
    if isinstance(value, (list, tuple)):
        return sum(map(_n_leaves, value)) or 1
    return 1


def _best_alignment(n_found: int, n_target: int, n_right: Callable[[int, int], int]) -> int:
    """Fields right when items are paired greedily, most in common first, ties in list order."""
    pairs = sorted(
        (-right, abs(i - j), i, j)
        for i in range(n_found)
        for j in range(n_target)
        if (right := n_right(i, j))
    )
    total, used_found, used_target = 0, set[int](), set[int]()
    for negative, _, i, j in pairs:
        if i not in used_found and j not in used_target:
            used_found.add(i)
            used_target.add(j)
            total -= negative
    return total
