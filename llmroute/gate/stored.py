"""The store → the run a map was made from, as the source of its evidence."""

from __future__ import annotations

from pathlib import Path

from llmroute.gate.evidence import Recall, Source
from llmroute.gate.recompute import decision_of
from llmroute.recalling import holds_run, recall_run
from llmroute.records import RoutingMap


def recall_from(store: Path | None) -> Recall:
    """Finds a map's run in the store and makes the map again as it says it was decided.

    Args:
        store: the database, where there is one.
    """

    def recall(routing_map: RoutingMap) -> Source | None:
        run_id = routing_map.provenance.run_id
        if store is None or run_id is None or not holds_run(store, run_id):
            return None
        result = recall_run(store, run_id).decide(decision_of(routing_map))
        name = f"run {run_id} in {store}"
        return Source(name, result.outcomes, result.routing_map, ("provenance",))

    return recall
