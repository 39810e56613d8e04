from __future__ import annotations

from dataclasses import replace

from llmroute.analysis.compare import compare
from llmroute.records import Outcome, Outcomes, Price, QualityRule
from llmroute.report.bench.disagreements import view_confusions, view_disagreements
from llmroute.report.bench.html import render_html
from llmroute.report.bench.samples import SamplesView
from llmroute.report.bench.view import build_view
from llmroute.routing_map.choose import choose_routes

ROW = Outcome("mail", "q1", "a", score=1.0, answered=True, judge="j", rubric="tone")
NONE_SHOWN = SamplesView((), 0, 0)


def test_the_judge_is_held_against_the_mean_of_people() -> None:
    rows = [
        replace(ROW, labels={"ann": 0.0, "bob": 0.5}),
        replace(ROW, sample_id="q2", labels={"ann": 0.0}),
        replace(ROW, sample_id="q3", labels={"ann": 0.8}),  # too near to be a disagreement
        replace(ROW, sample_id="q4"),
        replace(ROW, sample_id="q5", score=None, labels={"ann": 0.0}),
        replace(ROW, sample_id="q6", judge=None, labels={"ann": 0.0}),
    ]
    found = view_disagreements(rows, NONE_SHOWN)
    assert [(one.sample_id, one.gap, one.what) for one in found] == [
        ("q2", 1.0, "the judge 1.00, people 0.00 (1)"),
        ("q1", 0.75, "the judge 1.00, people 0.25 (2)"),
    ]


def test_without_people_the_judges_of_a_panel_are_held_against_each_other() -> None:
    row = replace(ROW, score=0.5, parts={"judge x": 1.0, "judge y": 0.0, "tone": 0.5})
    alike = replace(ROW, sample_id="q2", parts={"judge x": 1.0, "judge y": 0.9})
    (found,) = view_disagreements([row, alike], NONE_SHOWN)
    assert (found.what, found.gap) == ("x 1.00, y 0.00", 1.0)


def test_only_the_widest_are_listed() -> None:
    rows = [
        replace(ROW, sample_id=f"q{i:02d}", score=i / 100, labels={"ann": 1.0}) for i in range(70)
    ]
    found = view_disagreements(rows, NONE_SHOWN)
    assert [one.sample_id for one in found] == [f"q{i:02d}" for i in range(20)]


def test_scores_of_few_levels_are_counted_against_peoples() -> None:
    pairs = [(1.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0)]
    rows = [replace(ROW, score=judge, labels={"ann": person}) for judge, person in pairs]
    (table,) = view_confusions(rows)
    assert table.levels == ("0.00", "1.00")
    assert table.rows == (("0.00", (1, 0)), ("1.00", (1, 2)))


def test_a_scale_of_many_scores_is_no_table() -> None:
    rows = [replace(ROW, score=i / 10, labels={"ann": 1.0}) for i in range(9)]
    assert view_confusions(rows) == ()


def test_the_page_shows_both_and_leads_to_the_samples() -> None:
    rows = tuple(
        replace(
            ROW, candidate=name, sample_id=f"q{i}", score=float(i % 2), labels={"ann": 1.0},
            output="text",
        )
        for name in ("a", "b")
        for i in range(20)
    )  # fmt: skip
    outcomes = Outcomes(rows)
    comparison = compare(outcomes, {"a": Price(1.0, 1.0)}, QualityRule())
    view = build_view(comparison, choose_routes(comparison), outcomes)
    page = render_html(view)
    assert len(view.disagreements) == 20
    anchor = view.disagreements[0].anchor
    assert anchor is not None
    assert f'<a href="#{anchor}">q0</a>' in page
    assert f'id="{anchor}"' in page
    assert '<td class="num agree">20</td>' in page
