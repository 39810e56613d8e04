from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmroute.deciding import Background
from llmroute.gate.compare import MapEvidence, compare_maps
from llmroute.records import Provenance
from llmroute.report.bench.changes import ChangesView, view_changes
from llmroute.report.bench.html import render_html
from llmroute.report.bench.view import build_view

if TYPE_CHECKING:
    from llmroute.records import Comparison, MapChange, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]

BEFORE = Provenance(run_id="r1", started="2026-02-11T08:00:00Z")


def change(before: RoutingMap, after: RoutingMap) -> MapChange:
    before = replace(before, provenance=BEFORE)
    return compare_maps(MapEvidence(before, {}), MapEvidence(after, {}))


def seen(before: RoutingMap, after: RoutingMap) -> ChangesView:
    view = view_changes(change(before, after))
    assert view is not None
    return view


def test_without_a_run_before_there_is_nothing_to_say(small_run: Run) -> None:
    assert view_changes(None) is None
    assert build_view(*small_run).changes is None


def test_a_route_that_moved_is_named(small_run: Run) -> None:
    _, after, _ = small_run
    before = replace(after, tasks=(replace(after.tasks[0], route="large"),))
    view = seen(before, after)
    assert view.sentence == (
        "Since run r1 of 2026-02-11, 1 of 1 route has changed: classification (large → small)."
    )
    assert (view.is_moved, [row.route for row in view.rows]) == (True, ["large → small"])


def test_the_same_map_again_has_no_section(small_run: Run) -> None:
    comparison, after, outcomes = small_run
    view = seen(after, after)
    assert (view.sentence, view.rows, view.n_same) == (
        "Since run r1 of 2026-02-11, no route has changed.", (), 1,
    )  # fmt: skip
    page = render_html(
        build_view(comparison, after, outcomes, background=Background(change=change(after, after)))
    )
    assert "no route has changed" in page
    assert 'id="changes"' not in page


def test_new_and_gone_tasks_are_counted_apart_from_moved_routes(real_run: Run) -> None:
    _, routing_map, _ = real_run
    fewer = replace(routing_map, tasks=routing_map.tasks[1:])
    assert seen(fewer, routing_map).sentence.endswith("no route has changed; 1 task is new.")
    assert seen(routing_map, fewer).sentence.endswith("no route has changed; 1 task is gone.")
