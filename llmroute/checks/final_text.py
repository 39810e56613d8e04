"""Output → the final answer in it, and how it was marked as final."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from llmroute.metrics.json_text import loose_field
from llmroute.metrics.latex import last_boxed

_HASHES = re.compile(r"^[ \t]*####[ \t]*(\S[^\n]*)", re.MULTILINE)
_SAYS = re.compile(
    r"\b(?:final answer|the answer|answer|result|solution)\b\s{0,3}(?:is|:|=|are|would be)"
    r"[ \t:*]*([^\n]{1,200})",
    re.IGNORECASE,
)
_CONCLUDES = re.compile(
    r"\b(?:therefore|thus|hence|so|in total|altogether)\b,?([^\n]{1,200})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Final:
    """The final answer of an output."""

    text: str
    mark: str
    """hashes, field, boxed, says, concludes or end: how it was found, the surest first."""
    start: int
    """Where it stands; what comes before is the reasoning."""


@lru_cache(maxsize=64)
def final_of(output: str) -> Final:
    """What follows "####", the field "answer", a box or "the answer is"; else the last line.

    >>> final_of("3 + 4 = 7\\n#### 7").text, final_of('{"answer": "7"}').mark
    ('7', 'field')
    """
    if hashes := list(_HASHES.finditer(output)):
        return Final(hashes[-1][1].strip(), "hashes", hashes[-1].start())
    for name in ("answer", "final_answer"):
        if (field := loose_field(output, name)) is not None:
            return Final(field.strip(), "field", output.rfind(f'"{name}"'))
    if (boxed := last_boxed(output)) is not None:
        return Final(boxed.strip(), "boxed", output.rfind("box"))
    for mark, pattern in (("says", _SAYS), ("concludes", _CONCLUDES)):
        if found := list(pattern.finditer(output)):
            return Final(found[-1][1].strip(), mark, found[-1].start())
    line = output.rstrip().rpartition("\n")[2].strip()
    return Final(line, "end", len(output.rstrip()) - len(line))
