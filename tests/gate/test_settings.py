"""The gate's rules as they are written in llmroute.yaml and on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from llmroute.config.json_schemas import json_schema
from llmroute.config.load import load_config
from llmroute.config.schema import GateEntry, TolerantRuleEntry
from llmroute.errors import ConfigError
from llmroute.gate.check import read_setting
from llmroute.gate.rules import RULES
from llmroute.records import Gate, RuleSetting

HEAD = "suites: s\ncandidates: [a]\n"


def gate_of(tmp_path: Path, text: str) -> Gate:
    path = tmp_path / "llmroute.yaml"
    path.write_text(HEAD + text)
    return load_config(path, {}).gate


def test_a_rule_is_a_level_or_a_mapping(tmp_path: Path) -> None:
    gate = gate_of(
        tmp_path,
        "gate:\n  quality_fell: error\n  cost_rose: {level: warn, tolerance: 0.2}\n"
        "  price_moved: off\n  evidence_age: {max_age: 30d}\n  confidence: 0.99\n",
    )
    assert gate.rules == {
        "quality_fell": RuleSetting("error"),
        "cost_rose": RuleSetting("warn", 0.2),
        "price_moved": RuleSetting("off"),
        "evidence_age": RuleSetting(None),
    }
    assert (gate.max_age_days, gate.confidence) == (30.0, 0.99)
    assert gate_of(tmp_path, "") == Gate()


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("gate: {qualty_fell: error}", "3:8", "Did you mean 'quality_fell'"),
        ("gate: {quality_fell: fatal}", "3:22", "'error', 'warn' or 'off'"),
        ("gate: {route_changed: {tolerance: 0.1}}", "3:24", "unknown key 'tolerance'"),
        ("gate: {cost_rose: {tolerance: -1}}", "3:31", "should be at least 0"),
        ("gate: {evidence_age: {max_age: 30}}", "3:32", "12h, 30d, 4w"),
        ("gate: {confidence: 1.5}", "3:20", "should be less than 1"),
    ],
)
def test_a_wrong_setting_is_placed_and_mended(
    tmp_path: Path, text: str, place: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        gate_of(tmp_path, text + "\n")
    assert f"llmroute.yaml:{place}" in str(caught.value)
    assert words in str(caught.value)


def test_every_rule_can_be_set_and_has_a_tolerance_where_the_table_has_one() -> None:
    fields = {name: field for name, field in GateEntry.model_fields.items() if name != "confidence"}
    assert set(fields) == set(RULES)
    for name, rule in RULES.items():
        takes = TolerantRuleEntry.__name__ in str(fields[name].annotation)
        assert takes == (rule.tolerance is not None), name
        assert str(fields[name].description).split("; ")[1].startswith(rule.level), name


def test_the_json_schema_takes_what_the_loader_takes() -> None:
    validator = Draft202012Validator(json_schema("config"))
    good = {"cost_rose": {"level": "warn", "tolerance": 0.1}, "quality_fell": "error"}
    assert validator.is_valid({"suites": "s", "candidates": ["a"], "gate": good})
    assert not validator.is_valid({"suites": "s", "candidates": ["a"], "gate": {"cost": "warn"}})
    assert not validator.is_valid(
        {"suites": "s", "candidates": ["a"], "gate": {"cost_rose": "fatal"}}
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("quality=warn", "Did you mean 'quality_fell'"),
        ("cost_rose=loud", "error, warn or off"),
        ("cost_rose", "error, warn or off"),
        ("route_changed=warn:0.1", "has no tolerance"),
        ("cost_rose=warn:much", "is no tolerance"),
        ("cost_rose=warn:nan", "is no tolerance"),
        ("cost_rose=warn:-1", "is no tolerance"),
    ],
)
def test_a_setting_on_the_command_line_is_read_with_care(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match="--rule") as caught:
        read_setting(text)
    assert words in str(caught.value)
