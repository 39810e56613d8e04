"""`llmroute models`: what can be called, at which price, and whether its key is there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from llmroute.cli import options as opt
from llmroute.cli import reading
from llmroute.cli.errors import command

MOST_ROWS = 50


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model as it is listed."""

    name: str
    model: str
    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    price_source: str | None
    context_tokens: int | None
    missing_key: str | None


@command
def models(
    pattern: Annotated[
        str | None,
        typer.Argument(
            metavar="[TEXT]",
            help="List LiteLLM's models whose id contains this; without it, the configuration's.",
            show_default=False,
        ),
    ] = None,
    config: opt.ConfigFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """List models with price, context window and whether their key is set."""
    import json
    from dataclasses import asdict

    rows = _listed(pattern) if pattern else _configured(config)
    if as_json:
        document = {"schema": "llmroute/models/1", "models": [asdict(row) for row in rows]}
        typer.echo(json.dumps(document, indent=2))
        return 0
    _print(rows)
    return 0


def _configured(config: Any) -> list[ModelRow]:
    from llmroute.calls.keys import missing_key
    from llmroute.calls.prices import model_facts
    from llmroute.plan.known_price import with_known_price

    rows = []
    for candidate in map(with_known_price, reading.read_config(config).candidates):
        price, facts = candidate.price, model_facts(candidate.model)
        rows.append(
            ModelRow(
                name=candidate.name,
                model=candidate.model,
                input_usd_per_mtok=price.input_usd_per_mtok if price else None,
                output_usd_per_mtok=price.output_usd_per_mtok if price else None,
                price_source=price.source if price else None,
                context_tokens=facts.context_tokens if facts else None,
                missing_key=missing_key(candidate, os.environ),
            )
        )
    return rows


def _listed(pattern: str) -> list[ModelRow]:
    from llmroute.calls.keys import missing_key
    from llmroute.calls.prices import known_models, model_facts
    from llmroute.records import Candidate

    rows = []
    for model in known_models():
        facts = model_facts(model)
        if pattern.lower() not in model.lower() or facts is None:
            continue
        price = facts.price
        rows.append(
            ModelRow(
                name=model,
                model=model,
                input_usd_per_mtok=price.input_usd_per_mtok if price else None,
                output_usd_per_mtok=price.output_usd_per_mtok if price else None,
                price_source=price.source if price else None,
                context_tokens=facts.context_tokens,
                missing_key=missing_key(Candidate(model, model), os.environ),
            )
        )
    return rows


def _print(rows: list[ModelRow]) -> None:
    from llmroute.cli.console import print_table, say

    print_table(
        ("model", "input $/M", "output $/M", "context", "key"),
        [
            (
                row.name if row.name == row.model else f"{row.name} ({row.model})",
                _usd(row.input_usd_per_mtok, row.price_source),
                _usd(row.output_usd_per_mtok, row.price_source),
                f"{row.context_tokens:,}" if row.context_tokens else "",
                f"set {row.missing_key}" if row.missing_key else "ready",
            )
            for row in rows[:MOST_ROWS]
        ],
        right=(1, 2, 3),
    )
    if len(rows) > MOST_ROWS:
        say(f"{len(rows) - MOST_ROWS:,} more; name more of the id, or use --json.")
    if not rows:
        say("No model has this in its id.")


def _usd(price: float | None, source: str | None) -> str:
    if price is not None:
        return f"{price:.2f}" if price >= 0.1 else f"{price:.3g}"
    return "by the hour" if source and "hour" in source else "unknown"
