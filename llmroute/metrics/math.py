"""Whether a final mathematical answer equals the target, however it is typeset."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar

from llmroute.metrics.expression import same_value
from llmroute.metrics.json_text import loose_field
from llmroute.metrics.latex import MAX_EXPRESSION, last_boxed, plain_expression, unescaped
from llmroute.metrics.numerals import last_number
from llmroute.metrics.targets import target_texts

if TYPE_CHECKING:
    from llmroute.records import Sample

_MARKER = re.compile(
    r"(?:final answer|answer|result)\**\s*+(?:is|:|=)\s*+:?([^\n]{1,300})|####\s*+([^\n]{1,300})",
    re.IGNORECASE,
)
_SPAN = re.compile(r"\$\$?([^$\n]{1,300}?)\$\$?|\\\(([^\n]{1,300}?)\\\)|\\\[(.{1,300}?)\\\]")
_PROSE = re.compile(r"(?<![\\a-zA-Z])(?!sqrt|infinity)[a-zA-Z]{3,}\s+[a-zA-Z]{2,}")
_TAIL = 4000
_LONGEST_ANSWER = 300
_MAX_NESTING = 20


@dataclass(frozen=True, slots=True)
class Math:
    """1.0 where the final answer equals a target, typesetting aside, else 0.0.

    The final answer is looked for in the JSON field "answer" if there is one: it is the last
    `\\boxed{}`, else what follows "answer is" or `####`, else the prediction if it is short, else
    the last formula of its last line. Compared are, in order: the text without LaTeX, spaces,
    units, `$`, % and degrees; sets, tuples and intervals item by item (sets in any order);
    equations; and values, computed at fixed points where there are variables, within 1e-9
    relative. A list target is a list of alternatives. No computer algebra: equal is what computes
    to the same value. Source of the normalisation: Hendrycks et al., arXiv 2103.03874, and
    Lewkowycz et al., arXiv 2206.14858, App. D, which compare text only.
    """

    needs_target: ClassVar[bool] = True
    right_or_wrong: ClassVar[bool] = True

    def score(self, sample: Sample, prediction: str) -> float:
        """1.0 or 0.0."""
        found = final_answer(prediction)
        if not found:
            return 0.0
        return float(any(equivalent(found, wanted) for wanted in target_texts(sample)))


def final_answer(text: str) -> str | None:
    r"""The part of an answer that states the result, or None.

    >>> final_answer(r"So x is 4. The final answer is: $\boxed{4}$")
    '4'
    """
    text = unescaped(text)
    field = loose_field(text, "answer")
    if field is not None:
        text = unescaped(field)
    boxed = last_boxed(text)
    if boxed is not None:
        return boxed
    tail = text[-_TAIL:].strip()
    for match in reversed(list(_MARKER.finditer(tail))):
        return _formula(match[1] or match[2])
    if len(tail) <= _LONGEST_ANSWER and "\n" not in tail:
        return _formula(tail)
    spans = list(_SPAN.finditer(tail.rpartition("\n")[2]))
    return _span(spans[-1]) if spans else None


def equivalent(found: str, wanted: str) -> bool:
    r"""Whether two final answers are the same.

    >>> equivalent(r"\frac12", "0.5"), equivalent("x = 5", "5"), equivalent("(1,2)", "(2,1)")
    (True, True, False)
    """
    if len(found) > MAX_EXPRESSION or len(wanted) > MAX_EXPRESSION:
        return found.strip() == wanted.strip()
    ours, theirs = plain_expression(found), plain_expression(wanted)
    if max(_nesting(ours), _nesting(theirs)) > _MAX_NESTING:
        return _squeezed(ours) == _squeezed(theirs)
    return _same(ours, theirs)


def _nesting(text: str) -> int:
    steps = ((character in "([{") - (character in ")]}") for character in text)
    return max(accumulate(steps), default=0)


@lru_cache(maxsize=65536)
def _same(found: str, wanted: str) -> bool:
    if _squeezed(found) == _squeezed(wanted):
        return bool(wanted)
    if ("_" in found) != ("_" in wanted):
        found, wanted = _BASE.sub(r"\1", found), _BASE.sub(r"\1", wanted)
    found, wanted = _without_name(found, wanted), _without_name(wanted, found)
    if _squeezed(found) == _squeezed(wanted):
        return True
    ours, theirs = _items(found), _items(wanted)
    if ours is not None or theirs is not None:
        return _same_items(ours or ("", (found,)), theirs or ("", (wanted,)))
    if "=" in found and "=" in wanted:
        return _same_equation(found, wanted)
    return same_value(found, wanted)


def _formula(text: str) -> str:
    """The last formula of a sentence, or its last number; a bare formula stays as it is."""
    text = text.strip().strip("*").strip()
    if not _PROSE.search(text):
        return text
    if spans := list(_SPAN.finditer(text)):
        return _span(spans[-1])
    number = last_number(text)
    return text if number is None else number.digits


def _span(match: re.Match[str]) -> str:
    return match[1] or match[2] or match[3] or ""


def _squeezed(text: str) -> str:
    squeezed = text.replace(" ", "")
    if squeezed[:1] == "(" and "," not in squeezed and _encloses(squeezed):
        squeezed = squeezed[1:-1]
    return squeezed.casefold() if re.fullmatch(r"[a-zA-Z]{2,}", squeezed) else squeezed


_NAME = re.compile(
    r"\s*[a-zA-Z](?:_\(?\w\)?|\([a-z](?:,[a-z])*\))?\s*(?:=(?!=)| in )\s*(?=[^=<>]+$)"
)


_BASE = re.compile(r"(\d)_(?:\d+|[a-z]\b)")  # "221_3", for which "221" is taken too


def _without_name(text: str, other: str) -> str:
    """`x = 5` is 5 and `x in (0, 1)` is (0, 1) where the other side has no name either."""
    name = _NAME.match(text)
    return text[name.end() :] if name and "=" not in other and " in " not in other else text


def _items(text: str) -> tuple[str, tuple[str, ...]] | None:
    """(brackets, items) of a set, tuple, interval or bare list; None for a single expression."""
    text = text.strip()
    brackets = ""
    if len(text) > 1 and text[0] in "([{" and text[-1] in ")]}" and _encloses(text):
        brackets, inner = text[0] + text[-1], text[1:-1]
    else:
        inner = re.sub(r"\s(?:or|and)\s", ",", text)
    items = _split(inner)
    if len(items) == 1 and "±" in items[0]:
        items = [items[0].replace("±", "+"), items[0].replace("±", "-")]
    if len(items) == 1 and brackets in ("", "()"):
        return None
    return brackets, tuple(items)


def _encloses(text: str) -> bool:
    depth = 0
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0:
            return position == len(text) - 1
    return False


def _split(text: str) -> list[str]:
    """The items between the commas that no bracket encloses."""
    items, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            items.append(text[start:position])
            start = position + 1
    return [item.strip() for item in (*items, text[start:]) if item.strip()]


def _same_items(ours: tuple[str, tuple[str, ...]], theirs: tuple[str, tuple[str, ...]]) -> bool:
    (our_brackets, found), (their_brackets, wanted) = ours, theirs
    if len(found) != len(wanted) or len(found) > 30:
        return False
    unordered = {our_brackets, their_brackets} <= {"", "{}"}
    if not unordered and our_brackets and their_brackets and our_brackets != their_brackets:
        return False
    if not unordered:
        return all(_same(one, other) for one, other in zip(found, wanted, strict=True))
    left = list(wanted)
    for item in found:
        match = next((other for other in left if _same(item, other)), None)
        if match is None:
            return False
        left.remove(match)
    return True


def _same_equation(found: str, wanted: str) -> bool:
    """Whether two equations are each other's multiple by 1 or −1, sides swapped or not."""
    (a, _, b), (c, _, d) = found.partition("="), wanted.partition("=")
    if same_value(a, c) and same_value(b, d):
        return True
    difference, other = f"({a})-({b})", f"({c})-({d})"
    return same_value(difference, other) or same_value(difference, f"-({other})")
