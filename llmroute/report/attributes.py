"""Texts that stand in markup and are never from outside: a type each, so that none is mistaken.

Whatever else a view calls `str` may hold anything and is shown as text only.
"""

from __future__ import annotations

from typing import Literal, NewType

ElementId = NewType("ElementId", str)
"""The id of an element, and of a file's stem: letters, digits and hyphens."""
Corners = NewType("Corners", str)
"""Points of a line or an area as SVG writes them: "x,y x,y"."""
Drawing = NewType("Drawing", str)
"""The name of a template in `reports/figures/`."""
OutcomeKind = Literal["better", "same", "worse"]
"""How the strong model did beside the weak one."""
