"""Whether an answer breaks off."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from llmroute.checks.final_text import final_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Sample

_COMPLETE = (
    ".",
    "!",
    "?",
    "。",
    "！",
    "？",
    "।",
    "؟",
    '"',
    "'",
    "”",
    "’",
    ")",
    "]",
    "}",
    "`",
    "$",
    "*",
    "|",
    "%",
)
_OPEN_SUM = re.compile(
    r"(?:[-+*/=×÷<(,$]|\b(?:and|or|the|a|of|to|is|for|by|with|so|per))\s*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Truncation:
    """Signs that an answer was cut off: an open bracket, fence or sum, no end to the last sentence.

    In [0, 1], 1 where the sign is there. `broken` is any of the sure ones. A bare number or word at
    the end is no sign.
    """

    features: ClassVar[tuple[str, ...]] = (
        "no_stop", "open_sum", "ends_in_colon", "open_bracket", "open_fence", "open_mark",
        "mid_word_tail", "broken",
    )  # fmt: skip
    fails: ClassVar[tuple[str, ...]] = ("broken",)

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:  # noqa: ARG002
        """The features by name."""
        text = output.rstrip()
        if not text:
            return {name: float(name == "broken") for name in self.features}
        last_line = text.rpartition("\n")[2]
        marked = final_of(output).mark in ("hashes", "field", "boxed")
        sure = (
            _OPEN_SUM.search(text[-40:]) is not None and not text.endswith("**"),
            text.endswith(":"),
            _opens(last_line),
            text.count("```") % 2 == 1,
            text.count("<<") > text.count(">>"),
        )
        no_stop = not text.endswith(_COMPLETE) and not marked
        values = (no_stop, *sure, no_stop and len(last_line.split()) > 3, any(sure))
        return dict(zip(self.features, map(float, values), strict=True))


def _opens(line: str) -> bool:
    """Whether more brackets open than close on the line."""
    return any(line.count(one) > line.count(other) for one, other in ("()", "[]", "{}"))
