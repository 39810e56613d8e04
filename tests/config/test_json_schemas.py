"""The published JSON Schemas are those of the models."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from llmroute.config.json_schemas import SCHEMAS, json_schema, schema_text, write_schemas
from llmroute.errors import UnknownName
from llmroute.resources import shipped

_COMMAND = "Run: python -m llmroute.config.json_schemas"


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_the_committed_schema_is_the_models(name: str) -> None:
    path = shipped("schemas") / f"{name}.schema.json"
    assert path.read_text(encoding="utf-8") == schema_text(name), _COMMAND


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_each_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(json_schema(name))


def test_writing_leaves_one_file_a_schema(tmp_path: Path) -> None:
    written = write_schemas(tmp_path)
    assert sorted(path.name for path in written) == [f"{n}.schema.json" for n in sorted(SCHEMAS)]
    assert all(path.is_file() for path in written)


def test_an_unknown_schema_proposes_the_closest() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean 'suite'\?"):
        json_schema("suites")


@pytest.mark.parametrize("path", sorted(shipped("suites").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_shipped_suites_keep_to_the_schema(path: Path) -> None:
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert list(Draft202012Validator(json_schema("suite")).iter_errors(written)) == []


def test_the_schema_refuses_what_the_loader_refuses() -> None:
    validator = Draft202012Validator(json_schema("config"))
    assert validator.is_valid({"suites": "s", "candidates": ["a", {"model": "b"}]})
    assert not validator.is_valid({"suites": "s", "candidates": ["a"], "refrence": "a"})
    assert not validator.is_valid({"suites": "s", "candidates": [{"name": "a"}]})


def test_the_schema_offers_metric_names_for_completion() -> None:
    choices = json_schema("suite")["$defs"]["MetricEntry"]["properties"]["name"]["anyOf"]
    assert "rouge_l" in choices[0]["enum"]
