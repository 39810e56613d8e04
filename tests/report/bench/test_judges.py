from __future__ import annotations

from llmroute.analysis.compare import compare
from llmroute.records import Outcome, Outcomes, Price, QualityRule
from llmroute.report.bench.html import render_html
from llmroute.report.bench.markdown import render_markdown
from llmroute.report.bench.view import ReportView, build_view
from llmroute.routing_map.choose import choose_routes


def view_of(judge: str | None) -> ReportView:
    rows = tuple(
        Outcome("mail", f"q{i}", name, score=1.0, answered=True, judge=judge, rubric="tone")
        for name in ("a", "b")
        for i in range(20)
    )
    outcomes = Outcomes(rows)
    comparison = compare(outcomes, {"a": Price(1.0, 1.0)}, QualityRule())
    return build_view(comparison, choose_routes(comparison), outcomes)


def test_the_section_on_judges_is_there_where_a_judge_scored() -> None:
    view = view_of("openai/gpt-4o + <b>x</b>")
    page = render_html(view)
    assert 'id="judges-h"' in page
    assert "uncalibrated" in page
    assert "<b>x</b>" not in page
    assert "`mail` judged by `openai/gpt-4o`" in render_markdown(view)


def test_there_is_no_such_section_where_metrics_scored_everything() -> None:
    view = view_of(None)
    assert view.judges == ()
    assert 'id="judges' not in render_html(view)
    assert "judged by" not in render_markdown(view)
