"""Every figure of every page as a file: for any renderer of SVG, and as a picture."""

from __future__ import annotations

import re
import struct
import sys
import zlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from llmroute.errors import InputError, OutsideError
from llmroute.records import Provenance
from llmroute.report.bench.html import report_figures
from llmroute.report.bench.view import build_view
from llmroute.report.calibration.html import calibration_figures
from llmroute.report.calibration.slider import build_slider
from llmroute.report.figure_files import (
    HEADING,
    KEY,
    MARGIN,
    check_png,
    figure_style,
    png_file,
    write_figures,
)
from llmroute.report.figures import Figure, Missing, figure_name
from llmroute.report.history import build_history, history_figures
from llmroute.report.page import page_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.calibrating import Calibration
    from llmroute.records import Cell, Comparison, Outcomes, RoutingMap
    from llmroute.report.bench.view import ReportView

    Run = tuple[Comparison, RoutingMap, Outcomes]

Visit = tuple[Any, list[str], list[str]]
SVG = "{http://www.w3.org/2000/svg}"
DRAWING = {
    "svg", "title", "desc", "style", "rect", "text", "line", "polyline", "polygon", "path",
    "circle", "g",
}  # fmt: skip
ATTRIBUTES = {
    "aria-labelledby", "class", "cx", "cy", "d", "fill", "height", "id", "points", "r", "role",
    "rx", "text-anchor", "transform", "viewBox", "width", "x", "x1", "x2", "y", "y1", "y2",
}  # fmt: skip


def of_history(run: Run) -> tuple[Figure | Missing, ...]:
    """The figures of two runs, the second a day later."""
    maps = [
        replace(run[1], provenance=Provenance(started=f"2026-11-{day:02}T08:00:00Z"))
        for day in (1, 2)
    ]
    return history_figures(build_history(maps))


def drawn(*figures: Figure | Missing) -> list[Figure]:
    return [one for one in figures if isinstance(one, Figure)]


@pytest.fixture(scope="module")
def pages(
    real_run: Run, bad_run: Run, real_view: ReportView, bad_view: ReportView,
    calibration: Calibration,
) -> list[list[Figure]]:  # fmt: skip
    """The figures of every page, in ordinary and in hostile runs."""
    return [
        drawn(*report_figures(real_view)),
        drawn(*report_figures(bad_view)),
        drawn(*of_history(real_run)),
        drawn(*of_history(bad_run)),
        drawn(*calibration_figures(calibration, build_slider(calibration))),
    ]


def write_pages(pages: list[list[Figure]], folder: Path) -> list[Path]:
    return [
        path
        for index, figures in enumerate(pages)
        for path in write_figures(figures, folder / str(index))
    ]


@pytest.fixture(scope="module")
def files(pages: list[list[Figure]], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_pages(pages, tmp_path_factory.mktemp("charts"))


def test_every_kind_of_figure_is_among_them(pages: list[list[Figure]]) -> None:
    templates = Path(__file__).parents[2].glob("reports/figures/*.svg.j2")
    shipped = {path.name.removesuffix(".svg.j2") for path in templates}
    assert {figure.kind for figures in pages for figure in figures} == shipped


def test_a_file_holds_a_drawing_with_its_names_and_nothing_that_runs_or_loads(
    files: list[Path],
) -> None:
    for path in files:
        root = ET.fromstring(path.read_text("utf-8"))
        assert [child.tag for child in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
        assert all((child.text or "").strip() for child in root[:2])
        for element in root.iter():
            assert element.tag.removeprefix(SVG) in DRAWING
            plain = {name for name in element.attrib if not name.startswith("data-")}
            assert plain <= ATTRIBUTES
        style = root.findtext(f"{SVG}style") or ""
        assert not re.search(r"var\(|url\(|@|<", style)


def test_names_are_plain_and_each_figure_has_its_own(
    pages: list[list[Figure]], files: list[Path]
) -> None:
    assert all(re.fullmatch(r"[a-z0-9_-]{1,80}\.svg", path.name) for path in files)
    assert len(set(files)) == sum(map(len, pages))
    assert len({path.parent for path in files}) == len(pages)


def test_hostile_names_become_names_of_files_in_the_folder(hostile: tuple[str, ...]) -> None:
    names = {figure_name("price", text) for text in (*hostile, "../../x", "/etc/passwd", "..", "")}
    assert len(names) == len(set(hostile)) + 4
    assert all(re.fullmatch(r"price-[a-z0-9_-]{1,60}", name) for name in names)


def test_no_task_can_take_the_name_of_another_or_of_all_traffic() -> None:
    first = figure_name("price", "../Über")
    assert figure_name("price", first.removeprefix("price-")) != first
    assert figure_name("price", "all-traffic") != "all-traffic"


def test_the_same_figures_give_the_same_bytes(
    pages: list[list[Figure]], files: list[Path], tmp_path: Path
) -> None:
    again = write_pages(pages, tmp_path)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in files]


def test_a_browser_shows_every_file_without_a_word_and_runs_nothing(
    visit: Callable[..., Visit], files: list[Path]
) -> None:
    page, messages, requests = visit("<!doctype html><title>start</title>")
    for path in files:
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.localName") == "svg"
        assert page.evaluate("window.pwned") is None
        assert page.evaluate("document.querySelector('.heading').getBBox().width") > 20
    assert messages == []
    assert [url for url in requests if not url.startswith("file:")] == []


def test_a_file_says_what_its_marks_mean(small_run: Run, tmp_path: Path) -> None:
    path, *_ = write_figures(drawn(*report_figures(build_view(*small_run))), tmp_path)
    (key,) = ET.fromstring(path.read_text("utf-8")).findall(f"{SVG}g/{SVG}g[@class='key']")
    assert [text.text for text in key.iter(f"{SVG}text")] == [
        "route", "reference", "another is cheaper, no worse", "proven", "likely", "fails",
    ]  # fmt: skip


def test_what_cannot_be_drawn_is_named_with_its_reason(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    view = build_view(*run_of([replace(cell, cost_usd_per_1k=None)], reference="small"))
    task, overall, steps = report_figures(view)
    assert task == Missing(
        "price-classification", "no candidate is both priced and scored on the task"
    )
    assert overall == Missing("all-traffic", "no two points have a price on all tasks")
    assert steps == Missing("savings-by-task", "no task has a price")


def test_one_run_has_no_figure_over_time(real_run: Run) -> None:
    found = history_figures(build_history([real_run[1]]))
    assert {one.why for one in found if isinstance(one, Missing)} == {"fewer than two runs know it"}
    assert drawn(*found) == []


# -- a project's own files ------------------------------------------------------------------------


def test_a_projects_own_colours_are_those_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "own.css").write_text(
        "/* :root { --ink: red; } */\n:root { --bg: beige }\n"
        "@media print { :root { --bg: #fff; } a { color: red } }\n"
    )
    style = figure_style(page_environment(tmp_path))
    assert ".chart .ground { fill: beige; }" in style
    assert ".chart .heading { fill: #17191c;" in style
    assert ".chart .ground { fill: #ffffff; }" in figure_style(page_environment())


def test_a_colour_that_no_palette_has_is_named(tmp_path: Path) -> None:
    (tmp_path / "figures.css").write_text(".chart .grid { stroke: var(--grdi); }")
    with pytest.raises(InputError, match="no colour --grdi"):
        figure_style(page_environment(tmp_path))


def test_a_template_that_is_no_xml_is_named(small_run: Run, tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/price.svg.j2").write_text("<svg><br></svg>")
    figures = drawn(*report_figures(build_view(*small_run)))
    with pytest.raises(InputError, match="no XML") as caught:
        write_figures(figures, tmp_path / "charts", template_dir=tmp_path)
    assert caught.value.where == "figures/price.svg.j2"


def test_a_folder_that_cannot_be_made_is_named(small_run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutsideError, match="a file, not a folder"):
        write_figures(drawn(*report_figures(build_view(*small_run))), tmp_path / "file/charts")


# -- PNG ------------------------------------------------------------------------------------------


def pixels(png: bytes) -> tuple[int, int, set[bytes]]:
    """Width, height and colours of a PNG of 8-bit RGBA, read by the standard (ISO 15948)."""
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    assert (depth, colour) == (8, 6)
    data, at = b"", 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + size]
        at += size + 12
    return width, height, unfiltered(zlib.decompress(data), width, height)


def unfiltered(data: bytes, width: int, height: int) -> set[bytes]:
    stride, before, colours = 4 * width, bytearray(4 * width), set[bytes]()
    for row in range(height):
        kind, *line = data[row * (stride + 1) : (row + 1) * (stride + 1)]
        for i, value in enumerate(line):
            left, up = (line[i - 4] if i >= 4 else 0), before[i]
            corner = before[i - 4] if i >= 4 else 0
            estimate = left + up - corner
            nearest = min((left, up, corner), key=lambda one: abs(estimate - one))
            line[i] = (value + (0, left, up, (left + up) // 2, nearest)[kind]) & 255
        before = bytearray(line)
        colours |= {bytes(line[i : i + 4]) for i in range(0, stride, 4)}
    return colours


def test_a_picture_has_two_pixels_a_unit_on_a_solid_ground_and_shows_the_marks(
    small_run: Run, tmp_path: Path
) -> None:
    pytest.importorskip("resvg_py", reason="the extra png is not installed")
    (figure,) = drawn(*report_figures(build_view(*small_run)))[:1]
    svg, png = write_figures([figure], tmp_path, png=True)
    assert (svg.suffix, png.suffix) == (".svg", ".png")
    width, height, colours = pixels(png.read_bytes())
    chart = figure.chart
    assert (width, height) == (
        2 * (chart.width + 2 * MARGIN),
        2 * (chart.height + HEADING + KEY + 2 * MARGIN),
    )
    assert all(colour[3] == 255 for colour in colours)
    marks = {bytes.fromhex(f"{rgb}ff") for rgb in ("009e73", "0072b2", "d55e00", "17191c")}
    assert marks <= colours
    assert len(colours) > 50  # letters have smooth edges


def test_without_a_font_a_picture_is_refused_and_with_one_it_is_not() -> None:
    resvg = pytest.importorskip("resvg_py", reason="the extra png is not installed")
    check_png()
    bare = partial(resvg.svg_to_bytes, skip_system_fonts=True)
    with pytest.raises(InputError, match="no font is installed") as caught:
        check_png(lambda svg: bare(svg_string=svg))
    assert "fonts-dejavu-core" in (caught.value.fix or "")


def test_without_the_extra_a_picture_is_refused_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(InputError, match="need the package resvg-py") as caught:
        check_png()
    assert "pip install 'llmroute[png]'" in (caught.value.fix or "")


def test_emoji_and_arabic_are_drawn() -> None:
    pytest.importorskip("resvg_py", reason="the extra png is not installed")
    frame = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="20">{}</svg>'
    blank = png_file(frame.format(""))
    assert png_file(frame.format('<text y="15">مرحبا</text>')) != blank
