from __future__ import annotations

from dataclasses import replace

import pytest

from llmroute.analysis.compare import compare
from llmroute.records import (
    Confusion,
    FittedRecogniser,
    Outcome,
    Outcomes,
    OutOfScope,
    Price,
    QualityRule,
    RecognitionFigures,
    Usage,
)
from llmroute.report.bench.html import render_html
from llmroute.report.bench.markdown import render_markdown
from llmroute.report.bench.view import ReportView, build_view
from llmroute.routing_map.choose import choose_routes

FITTED = FittedRecogniser(
    tasks=("poems", "sums"),
    embedding="hashed:4096",
    embedding_id="hashed:4096",
    threshold=0.341,
    n_samples={"poems": 60, "sums": 40},
    figures=(
        RecognitionFigures("whole", 100, 1.0, 0.0, 1.0, 0.0, 0.0),
        RecognitionFigures("bare", 100, 0.9, 0.06, 0.0, 0.012, 0.25),
    ),
    confusions=(
        Confusion("bare", "poems", None, "unknown", "large", 6, 0.0, 1.8, ("p1", "p2")),
        Confusion("bare", "sums", "poems", "semantic", "small", 3, 0.4, -1.8, ("s1", "s2", "s3")),
        Confusion("bare", "sums", "poems", "rule", "small", 1, None, None, ("<s4>",)),
    ),
    out_of_scope=(
        OutOfScope("other_tasks", 50, 0.5, 0.1),
        OutOfScope("background", 170, 0.05, None),
    ),
    weights="",
    sha256="0" * 64,
)


@pytest.fixture
def view() -> ReportView:
    rows = tuple(
        Outcome(task, f"s{i}", name, score=1.0, answered=True, usage=Usage(1000, 0))
        for task in ("poems", "sums")
        for name in ("small", "large")
        for i in range(50)
    )
    prices = {"small": Price(0.2, 0.2), "large": Price(2.0, 2.0)}
    comparison = compare(Outcomes(rows), prices, QualityRule(), reference="large")
    routing_map = replace(choose_routes(comparison), recogniser=FITTED)
    return build_view(comparison, routing_map, Outcomes(rows))


def test_the_costliest_mistakes_come_first_and_each_has_its_price(view: ReportView) -> None:
    assert view.recognition is not None
    seen = view.recognition
    told = [(one.task, one.recognised, one.layer, one.n, one.loss) for one in seen.mistakes]
    assert told == [
        ("sums", "poems", "semantic", 3, "0.40"),
        ("sums", "poems", "rule", 1, "not known"),
        ("poems", "unknown", "unknown", 6, "none"),
    ]
    assert [one.extra for one in seen.mistakes] == ["−$1.80", "–", "+$1.80"]
    assert seen.mistakes[2].samples == "p1, p2, …"
    assert seen.sentence == (
        "Requests whose task is recognised: 100% as the bench sends them, "
        "90% the samples’ own words alone; "
        "mistakes lose at most 0.0120 of quality below the bar on average."
    )


def test_rows_of_a_matrix_sum_to_the_tasks_samples(view: ReportView) -> None:
    assert view.recognition is not None
    whole, bare = view.recognition.matrices
    assert whole.columns == ("poems", "sums", "unknown")
    assert whole.rows == (("poems", (60, 0, 0)), ("sums", (0, 40, 0)))
    assert bare.rows == (("poems", (54, 0, 6)), ("sums", (4, 36, 0)))


def test_the_page_shows_figures_mistakes_and_matrices_and_trusts_no_name(view: ReportView) -> None:
    page = render_html(view)
    assert page.count("Confusion matrix: ") == 2
    assert "of a task that no suite stood for" in page
    assert "&lt;s4&gt;" in page
    assert "<s4>" not in page


def test_markdown_names_the_costly_mistakes_only(view: ReportView) -> None:
    text = render_markdown(view)
    assert "3 of `sums` taken for `poems`" in text
    assert "`small` answers, below the bar by 0.40" in text
    assert "unknown" not in text


def test_without_a_recogniser_the_page_says_why(view: ReportView) -> None:
    page = render_html(replace(view, recognition=None))
    assert "there is nothing to tell apart" in page
    assert "Requests whose task" not in render_markdown(replace(view, recognition=None))
