from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmroute.report.bench.html import render_html
from llmroute.report.bench.quantities import Quantity
from llmroute.report.bench.view import build_view
from llmroute.report.fields import PAGE, Field, fields_of, with_tables

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.records import Comparison, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]

EXAMPLE = re.compile(
    r"```(?:css|jinja)\n(?:/\*|\{#) reports/(\S+) (?:\*/|#\})\n(.*?)```", re.DOTALL
)


def test_the_tables_of_fields_are_what_the_code_has() -> None:
    """`python -m llmroute.report.fields` writes them anew."""
    page = PAGE.read_text()
    assert page == with_tables(page)


def test_a_record_is_told_by_its_fields_types_and_docstrings() -> None:
    assert fields_of(Quantity) == (Field("value", "float | None", ""), Field("text", "str", ""))


def test_the_examples_change_the_page_as_they_say(real_run: Run, tmp_path: Path) -> None:
    examples = EXAMPLE.findall(PAGE.read_text())
    assert [name for name, _ in examples] == ["own.css", "partials/own.html.j2"]
    for name, text in examples:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    html = render_html(build_view(*real_run), tmp_path)
    assert "--link: #7a1fa2" in html.partition("</style>")[0]
    assert "Who to ask" in html.partition('id="provenance"')[2]
    assert "Who to ask" not in render_html(build_view(*real_run))
