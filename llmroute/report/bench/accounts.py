"""Outcomes × prices → what the answers used and cost: by our count, and as others state it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import fsum
from typing import TYPE_CHECKING

from llmroute.report.amounts import count_text, share_text, usd_text
from llmroute.report.bench.quantities import Quantity

if TYPE_CHECKING:
    from llmroute.records import Outcome, Price


@dataclass(frozen=True, slots=True)
class AccountView:
    """One candidate's answers behind the report."""

    candidate: str
    n_answers: int
    input_tokens: Quantity
    """All of them together; a dash where no answer was counted."""
    cached_share: Quantity
    """Share of the prompt tokens that the provider had cached."""
    output_tokens: Quantity
    reasoning_tokens: Quantity
    n_uncounted: int
    """Answers without token counts: in none of the four."""
    counted: Quantity
    """Dollars: tokens × price, over the answers that have both."""
    stated: Quantity
    """Dollars as the provider or the recording stated them with the answer."""
    n_stated: int
    gap: str
    """How much more was stated than we count, on the answers that have both; empty: none has."""
    n_unpriced: int
    """Answers without any known cost."""


def view_accounts(
    rows: Iterable[Outcome], prices: Mapping[str, Price], candidates: tuple[str, ...]
) -> tuple[AccountView, ...]:
    """A line a candidate with an answer, in the page's order."""
    answered: dict[str, list[Outcome]] = {}
    for row in rows:
        if row.answered:
            answered.setdefault(row.candidate, []).append(row)
    return tuple(
        _account(name, answered[name], prices.get(name)) for name in candidates if name in answered
    )


def _account(name: str, rows: list[Outcome], price: Price | None) -> AccountView:
    costs = [(_counted(row, price), row.recorded_cost_usd) for row in rows]
    both = [(own, said) for own, said in costs if own is not None and said is not None]
    stated = [said for _, said in costs if said is not None]
    prompts = _total(row.usage.input_tokens for row in rows)
    cached = _total(row.usage.cached_input_tokens for row in rows)
    return AccountView(
        candidate=name,
        n_answers=len(rows),
        input_tokens=_count(prompts),
        cached_share=Quantity.share(cached / prompts if cached is not None and prompts else None),
        output_tokens=_count(_total(row.usage.output_tokens for row in rows)),
        reasoning_tokens=_count(_total(row.usage.reasoning_tokens for row in rows)),
        n_uncounted=sum(row.usage.output_tokens is None for row in rows),
        counted=_dollars([own for own, _ in costs if own is not None]),
        stated=_dollars(stated),
        n_stated=len(stated),
        gap=_gap(both),
        n_unpriced=sum(own is None and said is None for own, said in costs),
    )


def _counted(row: Outcome, price: Price | None) -> float | None:
    """What the answer costs by its tokens and our price, whatever else was stated."""
    return replace(row, recorded_cost_usd=None).cost_usd(price)


def _total(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _count(total: int | None) -> Quantity:
    return Quantity(total, count_text(total))


def _dollars(amounts: list[float]) -> Quantity:
    return Quantity.usd(fsum(amounts) if amounts else None)


def _gap(both: list[tuple[float, float]]) -> str:
    """'$0.0010 more (4.2%)', over the answers that we count and others state."""
    own, said = fsum(pair[0] for pair in both), fsum(pair[1] for pair in both)
    if not both:
        return ""
    if abs(said - own) <= 0.0005 * max(own, said):
        return "alike"
    share = f" ({share_text(abs(said / own - 1))})" if own else ""
    return f"{usd_text(abs(said - own))} {'more' if said > own else 'less'}{share}"
