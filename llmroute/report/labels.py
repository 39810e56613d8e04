"""Texts of a figure × what is drawn already → where each stands, none over another."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from unicodedata import combining, east_asian_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SCREEN, PHONE = 11.0, 14.0
"""Sizes of the figures' type in figures.css: a drawing shrinks on a phone, its type does not."""
_EMS = dict.fromkeys("ijl.,:;'|!", 0.32) | dict.fromkeys("tfrI()[] -/", 0.42)
_EMS |= dict.fromkeys("mwMW@%…—→", 0.98)
"""Widths in DejaVu Sans, the broadest of the palette's fonts; other letters: see `_ems`."""

Box = tuple[float, float, float, float]
"""left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class Label:
    """A text beside what it names."""

    x: float
    y: float
    anchor: str
    text: str
    phone: bool = True
    """Whether there is room for it in a phone's larger type too."""

    def box(self, size: float) -> Box:
        """The room it takes in type of that size."""
        width = text_width(self.text, size)
        left = self.x - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor]
        return left, self.y - 0.9 * size, left + width, self.y + 0.27 * size


@dataclass(frozen=True, slots=True)
class Wanted:
    """A label that is wanted, and the point it belongs to."""

    x: float
    y: float
    text: str
    must_stand: bool
    """Rather farther from its point, or over a line or a mark, than not at all."""


@dataclass(slots=True)
class Room:
    """A drawing that fills up."""

    frame: Box
    """What a text must stay in."""
    marks: Sequence[Box]
    """What a text covers only where it must stand and there is no other place."""
    lines: Sequence[Box] = ()
    """What it covers rather than a mark."""
    texts: list[Box] = field(default_factory=list)
    """What stands already, and is never covered."""

    def put(self, places: Sequence[Label], *, must_stand: bool) -> Label | None:
        """The first place that is free, rather one with room for a phone's type."""
        shunned = [(*self.marks, *self.lines), *((self.marks, ()) if must_stand else ())]
        for obstacles in ((*self.texts, *boxes) for boxes in shunned):
            for size in (PHONE, SCREEN):
                for label in places:
                    box = label.box(size)
                    if is_inside(box, self.frame) and not any(overlap(box, o) for o in obstacles):
                        self.texts.append(box)
                        return replace(label, phone=size == PHONE)
        return None

    def put_beside(self, one: Wanted) -> Label | None:
        """Beside its point; far from it, where a label is taken for another's, only if it must."""
        near = self.put(_beside(one), must_stand=one.must_stand)
        return self.put(_farther(one), must_stand=True) if near is None and one.must_stand else near


def place_labels(
    wanted: Sequence[Wanted], taken: Iterable[Box], frame: Box, lines: Sequence[Box] = ()
) -> list[Label | None]:
    """Greedy: the first in the list first, each at the first free place around its point.

    Args:
        wanted: the most important first.
        taken: marks, which a label covers only where it must stand.
        frame: what a label must stay in.
        lines: what it covers rather than a mark.

    >>> place_labels([Wanted(50, 50, "a", False)], [], (0, 0, 100, 100))
    [Label(x=59.0, y=54.0, anchor='start', text='a', phone=True)]
    """
    room = Room(frame, tuple(taken), lines)
    return [room.put_beside(one) for one in wanted]


def _beside(one: Wanted) -> list[Label]:
    """The best first: right, left, over and under its point, then a little off."""
    gap = 14.0 if one.must_stand else 9.0
    right, left = one.x + gap, one.x - gap
    return [
        Label(right, one.y + 4.0, "start", one.text),
        Label(left, one.y + 4.0, "end", one.text),
        Label(one.x, one.y - gap, "middle", one.text),
        Label(one.x, one.y + gap + 11.0, "middle", one.text),
        *(
            Label(x, one.y + dy, anchor, one.text)
            for dy in (-7.0, 15.0, -16.0, 24.0)
            for x, anchor in ((right, "start"), (left, "end"))
        ),
    ]


def _farther(one: Wanted) -> list[Label]:
    heights = (28.0, -20.0, 42.0, -34.0, 56.0, -48.0)
    return [Label(one.x, one.y + dy, "middle", one.text) for dy in heights]


def text_width(text: str, size: float) -> float:
    """How wide a text is in the broadest of the figures' fonts, in regular type.

    >>> text_width("small", 10), text_width("漢字", 10)
    (28.6, 20.0)
    """
    return round(size * sum(map(_ems, text)), 1)


def _ems(character: str) -> float:
    if east_asian_width(character) in "WF":
        return 1.0
    if combining(character):
        return 0.0
    return _EMS.get(character) or (0.78 if character.isupper() else 0.62)


def is_inside(box: Box, frame: Box) -> bool:
    """Whether all of the box is in the frame."""
    return box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes share more than an edge."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
