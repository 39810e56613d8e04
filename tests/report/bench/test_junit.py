from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from llmroute.report.bench.junit import render_junit
from llmroute.report.bench.view import build_view
from llmroute.report.sanitize import visible
from llmroute.report.xml import legal

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.records import Cell, Comparison, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]


def test_a_route_that_clears_is_a_passing_case(small_run: Run) -> None:
    root = ET.fromstring(render_junit(build_view(*small_run)))
    case = root.find("testsuite/testcase")
    assert case is not None
    assert (case.get("classname"), case.get("name")) == ("classification", "classification → small")
    assert case.find("failure") is None
    assert root.get("failures") == "0"


def test_a_fallback_fails_and_says_why(run_of: Callable[..., Run], cell: Cell) -> None:
    cells = [replace(cell, verdict="fails", reason="mean 0.70 is below the bar 0.85"),
             replace(cell, candidate="big", verdict="fails")]  # fmt: skip
    root = ET.fromstring(render_junit(build_view(*run_of(cells, reference="big"))))
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message") == "no candidate clears the bar"
    assert failure.text == "small: fails, mean 0.70 is below the bar 0.85"
    assert root.get("failures") == "1"


def test_hostile_names_give_well_formed_xml(bad_run: Run) -> None:
    root = ET.fromstring(render_junit(build_view(*bad_run)))
    assert len(root.findall("testsuite")) == 12


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_legal_xml(text: str) -> None:
    element = ET.Element("x")
    element.text = legal(visible(text))
    assert ET.fromstring(ET.tostring(element)).text == (element.text or None)
