"""How much of a list the prediction has right, order aside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from llmroute.metrics.json_text import find_json, read_json
from llmroute.metrics.targets import value_text

if TYPE_CHECKING:
    from llmroute.records import Sample

_BULLET = re.compile(r"^\s*+(?:[-*•–·]|\(?\d{1,3}[.)])\s++")
_NOTHING = frozenset({"none", "n/a", "nothing", "[]", "{}", "-"})
_EDGES = " \t\r\n\"'`*_.;,“”‘’"


@dataclass(frozen=True, slots=True)
class SetF1:
    """F1 of the sets of items: 2·shared / (items predicted + items of the target).

    Items are read from a JSON list, else from lines, else from a line with commas (or
    semicolons); bullets, numbering, quotes and emphasis do not count, nor does case unless
    `ignore_case` is false. In [0, 1]. Where the target is empty, an empty prediction, "[]" or
    "none" scores 1.0 and anything else 0.0. Source: set-level F1, van Rijsbergen 1979.
    """

    needs_target: ClassVar[bool] = True

    ignore_case: bool = True

    def score(self, sample: Sample, prediction: str) -> float:
        """The F1 of prediction and target, in [0, 1]."""
        wanted = self._items(sample.target)
        found = self._items(prediction)
        if not wanted or not found:
            return float(not wanted and not found)
        return 2 * len(found & wanted) / (len(found) + len(wanted))

    def _items(self, value: Any) -> set[str]:
        values = read_items(value) if isinstance(value, str) else value
        if not isinstance(values, (list, tuple)):
            values = [values]
        texts = (_BULLET.sub("", value_text(item)).strip(_EDGES) for item in values)
        folded = (text.casefold() if self.ignore_case else text for text in texts)
        return {" ".join(text.split()) for text in folded if text}


def read_items(text: str) -> list[Any]:
    """The items of a list as a model writes one.

    >>> read_items('["a", "b"]'), read_items("- a\\n- b"), read_items("a, b"), read_items("none")
    (['a', 'b'], ['- a', '- b'], ['a', ' b'], [])
    """
    if text.strip(_EDGES).casefold() in _NOTHING:
        return []
    found = find_json(text) if "[" in text else None
    value = read_json(found) if found is not None else None
    if isinstance(value, list):
        return value
    lines = [line for line in text.splitlines() if line.strip() and not line.rstrip().endswith(":")]
    if len(lines) > 1:
        return list(lines)
    return (lines[0] if lines else "").replace(";", ",").split(",")
