"""Outcomes of files → their Result: compared and routed without a run behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from llmroute.analysis.compare import compare
from llmroute.deciding import Decision, Result, decided_rule
from llmroute.digest import file_digest
from llmroute.recogniser.corpus import read_prompts
from llmroute.recogniser.fit import with_recogniser
from llmroute.records import Outcomes, Provenance, QualityRule
from llmroute.routing_map.choose import choose_routes
from llmroute.routing_map.notes import write_notes


def decide_outcomes(
    outcomes: Outcomes,
    decision: Decision,
    rule: QualityRule,
    *,
    files: Sequence[Path],
    notes: Sequence[str] = (),
) -> Result:
    """The outcomes compared and routed.

    Args:
        outcomes: what the files hold, with what people say of it.
        decision: threshold, evidence, reference and prices.
        rule: what the decision does not say.
        files: named in the map, with their hashes.
        notes: what a reader must know beside what the comparison shows.

    Raises:
        InputError: there are no outcomes.
    """
    prices = dict(decision.prices or {})
    comparison = compare(
        outcomes, prices, decided_rule(rule, decision), reference=decision.reference
    )
    provenance = Provenance(
        candidates={n: {"price": asdict(prices[n])} for n in comparison.candidates if n in prices},
        sources=tuple(f"{path.name} sha256:{file_digest(path)}" for path in files),
    )
    notes = (*write_notes(comparison), *notes)
    routing_map = choose_routes(comparison, provenance=provenance, notes=notes)
    routing_map = with_recogniser(routing_map, read_prompts(outcomes))
    return Result(comparison, routing_map, outcomes, prices, n_planned=len(outcomes.rows))
