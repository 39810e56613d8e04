"""A chart's geometry → its SVG: a part of a page, or a file of its own.

A new figure is a frozen dataclass with the fields of `Chart`, a `reports/figures/KIND.svg.j2`,
and a line in the page's list (`report_figures`, `calibration_figures`, `history_figures`):
`draw` shows it on the page and `--charts` saves it. What its marks mean stands in the page's
text, and for the file in `KIND.key.j2`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Protocol

from jinja2 import Environment
from markupsafe import Markup

from llmroute.report.attributes import Drawing, ElementId

SLUG_CHARS = 40


class Chart(Protocol):
    """What every chart has; the rest is between it and the template that draws it."""

    @property
    def width(self) -> float:
        """In the drawing's own units, as all coordinates."""
        ...

    @property
    def height(self) -> float:
        """Of the drawing."""
        ...

    @property
    def title(self) -> str:
        """What a screen reader says first."""
        ...

    @property
    def description(self) -> str:
        """What it says then."""
        ...


@dataclass(frozen=True, slots=True)
class Figure:
    """One drawing."""

    name: ElementId
    """Its id on the page and the stem of its file: lower-case letters, digits, _ and -."""
    kind: Drawing
    """Which template of `reports/figures/` draws it."""
    chart: Chart

    @classmethod
    def of(cls, name: str, kind: str, chart: Chart | None) -> Figure | None:
        """The figure, or None where there is nothing to draw."""
        return None if chart is None else cls(ElementId(name), Drawing(kind), chart)


@dataclass(frozen=True, slots=True)
class Missing:
    """A figure that cannot be drawn, which a page leaves out."""

    name: str
    why: str
    """As the end of a sentence."""


def draw(environment: Environment, figure: Figure) -> Markup:
    """The figure as an `<svg>` element; every text in it is escaped like the page's."""
    template = environment.get_template(f"figures/{figure.kind}.svg.j2")
    return Markup(template.render(name=figure.name, chart=figure.chart))  # noqa: S704 - escaped


def figure_name(kind: str, text: str) -> str:
    """A stem that says what is drawn, and is another for another text, on any file system.

    No slug has two hyphens in a row, so none is taken for another's slug and digest.

    >>> figure_name("price", "math"), figure_name("price", "../Über")
    ('price-math', 'price-ber--2ec27d0e')
    """
    slug = re.sub(r"[^a-z0-9_]+", "-", text.lower())[: SLUG_CHARS + 1].strip("-")[:SLUG_CHARS]
    if slug and slug == text:
        return f"{kind}-{slug}"
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{kind}-{slug}--{digest}"
