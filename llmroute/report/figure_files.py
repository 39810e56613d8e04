"""Figures → files of their own: SVG for any renderer, PNG where the extra is installed."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from jinja2 import TemplateError

from llmroute.errors import InputError
from llmroute.files import atomic_write
from llmroute.report.figures import draw
from llmroute.report.page import OWN_STYLE, page_environment, read_asset
from llmroute.report.xml import to_xml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from jinja2 import Environment

    from llmroute.report.figures import Figure

SVG = "http://www.w3.org/2000/svg"
PALETTES, RULES = ("palette.css", OWN_STYLE), "figures.css"
MARGIN = 16.0
HEADING = 26.0
"""Room above the drawing for its title, which on a page stands in the text."""
KEY = 22.0
"""Room below it for what the marks mean."""
AROUND = "figures/file.j2"
PNG_SCALE = 2.0


def write_figures(
    figures: Iterable[Figure], folder: Path, *, template_dir: Path | None = None, png: bool = False
) -> list[Path]:
    """Each figure as `NAME.svg` in the folder, and as `NAME.png`; the paths written.

    Args:
        figures: what to draw; their names are theirs alone.
        folder: made where it is missing.
        template_dir: a project's own `reports/`, as for pages.
        png: pictures too, of `PNG_SCALE` pixels a unit; see `check_png`.

    Raises:
        InputError: a project's template or stylesheet cannot be used.
        OutsideError: a file cannot be written.
    """
    environment = page_environment(template_dir)
    style = figure_style(environment)
    written = []
    for figure in figures:
        svg = svg_file(environment, style, figure)
        forms: dict[str, str | bytes] = {"svg": svg} | ({"png": png_file(svg)} if png else {})
        for suffix, content in forms.items():
            written.append(folder / f"{figure.name}.{suffix}")
            atomic_write(written[-1], content)
    return written


def svg_file(environment: Environment, style: str, figure: Figure) -> str:
    """The figure as a document that needs nothing else: title, key, style and ground.

    Raises:
        InputError: a project's template cannot be rendered, or gives something else than XML.
    """
    root = _parsed(f"figures/{figure.kind}.svg.j2", lambda: draw(environment, figure))
    frame = environment.get_template(AROUND)
    around = _parsed(AROUND, lambda: frame.render(kind=figure.kind, chart=figure.chart))
    x, y = -MARGIN, -MARGIN - HEADING
    key = KEY if around.findall("g/*") else 0.0
    size = {"width": figure.chart.width - 2 * x, "height": figure.chart.height - y + key + MARGIN}
    box = {name: f"{number:g}" for name, number in ({"x": x, "y": y} | size).items()}
    root.attrib = {
        "xmlns": SVG, "width": box["width"], "height": box["height"],
        **root.attrib, "viewBox": " ".join(box.values()),
    }  # fmt: skip
    own_style = ET.Element("style")
    own_style.text = style
    named = sum(child.tag in ("title", "desc") for child in root[:2])
    root[named:named] = [own_style, ET.Element("rect", {"class": "ground", **box})]
    root.append(around)
    return to_xml(root)


def _parsed(template: str, render: Callable[[], str]) -> ET.Element:
    try:
        return ET.fromstring(render())  # noqa: S314 - our own, its texts escaped
    except TemplateError as error:
        raise InputError(f"the figure cannot be rendered: {error}", where=template) from error
    except ET.ParseError as error:
        raise InputError(
            f"the figure is no XML, which an SVG file must be: {error}",
            where=template,
            fix="Close every element and quote every attribute.",
        ) from error


_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_MEDIA = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_PALETTE = re.compile(r":root\s*\{([^}]*)\}")
_SETTING = re.compile(r"(--[\w-]+)\s*:\s*([^;]+?)\s*;")
_VARIABLE = re.compile(r"var\(\s*(--[\w-]+)\s*\)")


def figure_style(environment: Environment) -> str:
    """The figures' stylesheet in the palette's light colours.

    Most renderers of SVG know neither variables nor media queries: the values stand in their place.

    Raises:
        InputError: a project's stylesheet uses a colour that no palette has.
    """
    palette = "".join(_plain_style(environment, name) for name in PALETTES)
    values = dict(_SETTING.findall("".join(f"{block};" for block in _PALETTE.findall(palette))))

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise InputError(
                f"no colour {match[1]}",
                where="figures.css",
                fix="Set it in the first :root block of palette.css.",
            )
        return str(values[match[1]])

    return _VARIABLE.sub(value, _plain_style(environment, RULES)).strip()


def _plain_style(environment: Environment, name: str) -> str:
    return _MEDIA.sub("", _COMMENT.sub("", read_asset(environment, name, "</style")))


# -- PNG ------------------------------------------------------------------------------------------


def check_png(render: Callable[[str], bytes] | None = None) -> None:
    """Nothing, where `render` (default: `png_file`) makes pictures; asked before all else.

    Raises:
        InputError: the extra is not installed, or there is no font to write with.
    """
    if find_spec("resvg_py") is None:
        raise InputError(
            "PNG files need the package resvg-py",
            where="--png",
            fix="Install it: pip install 'llmroute[png]'. SVG files need nothing.",
        )
    render = render or png_file
    frame = f'<svg xmlns="{SVG}" width="20" height="20">{{}}</svg>'
    if render(frame.format('<text y="15">a</text>')) == render(frame.format("")):
        raise InputError(
            "no font is installed, and a picture without its words says nothing",
            where="--png",
            fix="Install one (Debian, Ubuntu: apt-get install fonts-dejavu-core), or leave out"
            " --png: an SVG file takes its fonts from where it is shown.",
        )


def png_file(svg: str) -> bytes:
    """The picture, `PNG_SCALE` pixels a unit, in the fonts of this system.

    The first installed font of the palette's `--sans` is taken, else any; what it lacks (emoji,
    other scripts) comes from the other fonts.
    """
    import resvg_py

    return resvg_py.svg_to_bytes(svg_string=svg, zoom=PNG_SCALE)
