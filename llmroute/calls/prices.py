"""LiteLLM's price table → Price, or None; a price file → Prices."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConfigError
from llmroute.records import Price

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE_FILE = "model_prices_and_context_window_backup.json"

LOCAL_PROVIDERS = frozenset({"lemonade", "llamafile", "lm_studio", "ollama", "ollama_chat"})
"""Programs on one's own machine: no tokens are billed, so a listed zero is a price."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What LiteLLM's table says of a model."""

    price: Price | None
    """None: the table holds no usable price."""
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    mode: str | None = None
    """"chat", "embedding", ..."""
    deprecation_date: str | None = None
    """ISO 8601."""
    takes_schema: bool = False
    """Whether an answer can be held to a JSON Schema."""
    reasons: bool = False
    """Whether it thinks before it answers; such models take no temperature."""


def model_facts(model: str) -> ModelFacts | None:
    """What LiteLLM's bundled table says of a model, by exact name; None where it is not in it.

    LiteLLM lists the models of OpenAI, Anthropic and others without their provider's prefix:
    `openai/gpt-4o-mini` is the entry `gpt-4o-mini` whose provider is `openai`, and no other.
    Read from LiteLLM's file without importing LiteLLM, which takes seconds.
    """
    row = _row(model)
    if row is None:
        return None
    mode, deprecated = row.get("mode"), row.get("deprecation_date")
    return ModelFacts(
        price=_price(model, row),
        context_tokens=_tokens(row.get("max_input_tokens") or row.get("max_tokens")),
        max_output_tokens=_tokens(row.get("max_output_tokens") or row.get("max_tokens")),
        mode=mode if isinstance(mode, str) else None,
        deprecation_date=deprecated if isinstance(deprecated, str) else None,
        takes_schema=row.get("supports_response_schema") is True,
        reasons=row.get("supports_reasoning") is True,
    )


def list_price(model: str) -> Price | None:
    """The model's price in LiteLLM's bundled table, or None: unpriced, never free."""
    facts = model_facts(model)
    return facts.price if facts else None


def model_provider(model: str) -> str | None:
    """The provider LiteLLM's table names for a model, or None where it is not in it."""
    row = _row(model)
    provider = row.get("litellm_provider") if row else None
    return provider if isinstance(provider, str) else None


def known_models() -> tuple[str, ...]:
    """Every chat model of the table, sorted: for "did you mean" and `llmroute models`."""
    return tuple(sorted(name for name, row in _table().items() if row.get("mode") == "chat"))


def read_price_file(path: Path) -> dict[str, Price]:
    """Model or candidate name → Price, from a CSV file.

    Columns: `model`, and prices as `input_usd_per_1m` or `input_usd_per_mtok`, likewise `output_…`
    and `cached_input_…`, or `usd_per_hour`. Further columns are passed over. A row without any
    price leaves its model unpriced.

    Raises:
        ConfigError: the file cannot be read or a row cannot be used; it names file and line.
    """
    prices: dict[str, Price] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines, strict=True)
            columns = _columns(rows.fieldnames or [], path)
            for row in rows:
                _add_row(prices, row, columns, path, rows.line_num)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"the price file cannot be read: {error}", where=str(path)) from error
    return prices


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    spec = find_spec("litellm")  # finds the folder, runs nothing in it
    if spec is None or spec.origin is None:
        return {}
    path = Path(spec.origin).parent / TABLE_FILE
    try:
        table: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: row for name, row in table.items() if isinstance(row, dict)}


@cache
def _source() -> str:
    try:
        return f"litellm {version('litellm')}"
    except PackageNotFoundError:
        return "litellm"


def _row(model: str) -> Mapping[str, Any] | None:
    table = _table()
    if model in table and model != "sample_spec":
        return table[model]
    provider, slash, name = model.partition("/")
    row = table.get(name) if slash else None
    return row if row is not None and row.get("litellm_provider") == provider else None


def _price(model: str, row: Mapping[str, Any]) -> Price | None:
    given = _usd(row.get("input_cost_per_token")), _usd(row.get("output_cost_per_token"))
    if given[0] is None or given[1] is None or row.get("input_cost_per_request"):
        return None
    # In the table a zero mostly means that nobody filled it in (litellm 1.106: 213 chat models).
    if (given[0] == 0 or given[1] == 0) and not _is_free(model, row):
        return None
    return Price(
        input_usd_per_mtok=_per_mtok(given[0]),
        output_usd_per_mtok=_per_mtok(given[1]),
        cached_input_usd_per_mtok=_cached(row),
        source=_source(),
    )


def _is_free(model: str, row: Mapping[str, Any]) -> bool:
    return row.get("litellm_provider") in LOCAL_PROVIDERS and not model.endswith("-cloud")


def _cached(row: Mapping[str, Any]) -> float | None:
    cached = _usd(row.get("cache_read_input_token_cost"))
    return _per_mtok(cached) if cached else None


def _per_mtok(usd_per_token: float) -> float:
    return round(usd_per_token * 1e6, 9)  # 1.5e-07 · 1e6 is 0.15, not 0.15000000000000002


def _usd(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def _tokens(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


_PRICE_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "input_usd_per_mtok": ("input_usd_per_mtok", "input_usd_per_1m"),
    "output_usd_per_mtok": ("output_usd_per_mtok", "output_usd_per_1m"),
    "cached_input_usd_per_mtok": ("cached_input_usd_per_mtok", "cached_input_usd_per_1m"),
    "usd_per_hour": ("usd_per_hour",),
}


def _columns(names: list[str] | Any, path: Path) -> dict[str, str]:
    present = {str(name).strip(): name for name in names}
    found = {
        field: present[column]
        for field, columns in _PRICE_COLUMNS.items()
        for column in columns
        if column in present
    }
    by_token = "input_usd_per_mtok" in found and "output_usd_per_mtok" in found
    if "model" not in present or not (by_token or "usd_per_hour" in found):
        raise ConfigError(
            "the price file lacks a column",
            where=f"{path}:1",
            fix="It needs 'model', 'input_usd_per_1m' and 'output_usd_per_1m' in its first line.",
        )
    return {"model": present["model"], **found}


def _add_row(
    prices: dict[str, Price],
    row: Mapping[str, str | None],
    columns: Mapping[str, str],
    path: Path,
    line: int,
) -> None:
    where = f"{path}:{line}"
    model = (row.get(columns["model"]) or "").strip()
    if not model:
        raise ConfigError("the row names no model", where=where)
    given = {
        field: _cell(row.get(column), column, where)
        for field, column in columns.items()
        if field != "model"
    }
    if all(value is None for value in given.values()):
        return
    if (given.get("input_usd_per_mtok") is None) != (given.get("output_usd_per_mtok") is None):
        raise ConfigError(
            f"{model!r} has a price for one of input and output only",
            where=where,
            fix="Give both, or leave both empty.",
        )
    price = Price(**given, source=path.name)
    if prices.setdefault(model, price) != price:
        raise ConfigError(f"{model!r} has two different prices", where=where)


def _cell(text: str | None, column: str, where: str) -> float | None:
    if text is None or not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise ConfigError(f"{column} is {text.strip()!r}, not a number of dollars ≥ 0", where=where)
    return value
