from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmroute.calls.prices import known_models, list_price, model_facts, read_price_file
from llmroute.errors import ConfigError
from llmroute.records import Price, Usage


def test_a_listed_model_has_its_price_per_million() -> None:
    price = list_price("gpt-4o-mini")
    assert price is not None
    assert (price.input_usd_per_mtok, price.output_usd_per_mtok) == (0.15, 0.6)
    assert price.cached_input_usd_per_mtok == 0.075
    assert price.source.startswith("litellm 1.")


def test_a_providers_prefix_finds_the_entry_of_that_provider_only() -> None:
    assert list_price("openai/gpt-4o-mini") == list_price("gpt-4o-mini")
    assert list_price("anthropic/claude-haiku-4-5") == list_price("claude-haiku-4-5")
    assert list_price("anthropic/gpt-4o-mini") is None
    assert list_price("hosted_vllm/gpt-4o-mini") is None


@pytest.mark.parametrize("model", ["gpt-4o-min", "GPT-4o-mini", "openai/gpt-4o-mini-x", "", "/"])
def test_a_name_that_is_not_exact_has_no_price(model: str) -> None:
    assert list_price(model) is None
    assert model_facts(model) is None


def test_a_zero_nobody_filled_in_is_not_free() -> None:
    unpriced = [name for name in known_models() if list_price(name) is None]
    free = [
        name
        for name in known_models()
        if (price := list_price(name)) and price.cost_usd(Usage(1000, 1000)) == 0
    ]
    assert len(unpriced) > 100
    assert all(name.startswith(("ollama/", "lemonade/", "llama", "codellama")) for name in free)
    assert not any(name.endswith("-cloud") for name in free)


def test_facts_say_how_much_fits() -> None:
    facts = model_facts("openai/gpt-4o-mini")
    assert facts is not None
    assert (facts.context_tokens, facts.max_output_tokens) == (128_000, 16_384)
    assert facts.mode == "chat"


def test_the_tables_sample_entry_is_no_model() -> None:
    assert model_facts("sample_spec") is None


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_price_file_in_either_unit_name(tmp_path: Path) -> None:
    one = write(tmp_path / "a.csv", "model,input_usd_per_1m,output_usd_per_1m,source\nm,1,5,x\n")
    two = write(
        tmp_path / "b.csv",
        "\ufeffmodel,input_usd_per_mtok,output_usd_per_mtok,cached_input_usd_per_mtok\nm,1,5,0.1\n",
    )
    assert read_price_file(one) == {"m": Price(1.0, 5.0, source="a.csv")}
    assert read_price_file(two) == {"m": Price(1.0, 5.0, 0.1, source="b.csv")}


def test_a_row_without_prices_leaves_its_model_unpriced(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", "model,input_usd_per_1m,output_usd_per_1m\na,,\nb,0,0\n")
    assert read_price_file(path) == {"b": Price(0.0, 0.0, source="p.csv")}


def test_own_hardware_is_priced_by_the_hour(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", "model,usd_per_hour\nlocal,0.6\n")
    assert read_price_file(path) == {"local": Price(usd_per_hour=0.6, source="p.csv")}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("m,1,two\n", r"p\.csv:2: output_usd_per_1m is 'two'"),
        ("m,1,5\nn,-1,5\n", r"p\.csv:3: input_usd_per_1m is '-1'"),
        ("m,nan,5\n", r"p\.csv:2: input_usd_per_1m is 'nan'"),
        ("m,1\n", r"p\.csv:2: 'm' has a price for one of input and output only"),
        (",1,5\n", r"p\.csv:2: the row names no model"),
        ("m,1,5\nm,1,6\n", r"p\.csv:3: 'm' has two different prices"),
    ],
)
def test_a_wrong_row_is_named_by_file_and_line(tmp_path: Path, rows: str, said: str) -> None:
    path = write(tmp_path / "p.csv", f"model,input_usd_per_1m,output_usd_per_1m\n{rows}")
    with pytest.raises(ConfigError, match=said):
        read_price_file(path)


def test_a_file_without_the_columns_or_without_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lacks a column"):
        read_price_file(write(tmp_path / "p.csv", "name,price\n"))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_price_file(tmp_path / "missing.csv")
    binary = tmp_path / "b.csv"
    binary.write_bytes(b"\xff\xfe\x00m")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_price_file(binary)


def test_the_recorded_prices_can_be_read() -> None:
    beside = Path(__file__).parents[2].parent / "shared" / "realdata"
    folder = Path(os.environ.get("LLMROUTE_REALDATA", beside))
    if not (folder / "prices.csv").exists():
        pytest.skip("the folder of recorded outcomes is absent")
    prices = read_price_file(folder / "prices.csv")
    assert len(prices) == 30
    assert prices["gpt-4-1106-preview"] == Price(10.0, 30.0, source="prices.csv")
