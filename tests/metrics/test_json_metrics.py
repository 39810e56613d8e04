"""json_fields, json_schema and the reading of JSON out of answers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.errors import InputError
from llmroute.metrics import Unscorable, build_metric
from llmroute.metrics.json_fields import JsonFields
from llmroute.metrics.json_schema import JsonSchema
from llmroute.metrics.json_text import find_json, loose_field, read_json
from llmroute.records import Plugin, Sample

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


def fields(target, prediction, **params) -> float:
    text = prediction if isinstance(prediction, str) else json.dumps(prediction)
    return JsonFields(**params).score(Sample("q1", "", target=target), text)


@given(VALUES)
def test_a_value_has_all_its_own_fields(value) -> None:
    assert fields({"value": value}, {"value": value}) == 1.0


@given(VALUES, VALUES)
def test_any_two_values_compare_within_bounds(one, other) -> None:
    assert 0.0 <= fields([one], [other]) <= 1.0


def test_f1_counts_wrong_missing_and_invented_fields() -> None:
    target = {"name": "Ann", "age": 30, "city": "Rome"}
    assert fields(target, {"name": "Ann", "age": 30}) == pytest.approx(4 / 5)
    assert fields(target, {"name": "Ann", "age": 31, "city": "Rome"}) == pytest.approx(4 / 6)
    assert fields(target, {**target, "pet": "cat"}) == pytest.approx(6 / 7)
    assert fields(target, {}) == 0.0


def test_types_are_respected() -> None:
    assert fields({"a": 5}, {"a": "5"}) == 0.0
    assert fields({"a": 1}, {"a": True}) == 0.0
    assert fields({"a": None}, {"a": 0}) == 0.0
    assert fields({"a": None}, {"a": "null"}) == 0.0
    assert fields({"a": 5}, {"a": 5.0}) == 1.0


def test_nested_fields_count_one_by_one() -> None:
    target = {"buyer": {"name": "Ann", "vat": "X1"}, "total": 9}
    found = {"buyer": {"name": "Ann", "vat": "X2"}, "total": 9}
    assert fields(target, found) == pytest.approx(4 / 6)


def test_lists_of_objects_are_aligned_to_the_best_match() -> None:
    target = [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}]
    assert fields(target, [{"sku": "b", "n": 2}, {"sku": "a", "n": 1}]) == 1.0
    assert fields(target, [{"sku": "b", "n": 2}]) == pytest.approx(4 / 6)
    assert fields(target, [{"sku": "b", "n": 2}, {"sku": "a", "n": 1}], ordered=True) == 0.0


def test_repeated_items_are_matched_once() -> None:
    assert fields(["a", "b"], ["a", "a"]) == 0.5


def test_empty_containers_are_a_field() -> None:
    assert fields({"tags": []}, {"tags": []}) == 1.0
    assert fields({"tags": []}, {"tags": ["x"]}) == 0.0
    assert fields({"tags": []}, {"tags": {}}) == 0.0


def test_null_may_stand_for_absent() -> None:
    assert fields({"a": 1, "b": None}, {"a": 1}) == pytest.approx(2 / 3)
    assert fields({"a": 1, "b": None}, {"a": 1}, null_is_absent=True) == 1.0


def test_numeric_tolerance_is_for_all_fields_or_by_path() -> None:
    target = {"items": [{"price": 9.99, "n": 2}]}
    found = {"items": [{"price": 10.0, "n": 2.01}]}
    assert fields(target, found) == 0.0
    assert fields(target, found, tolerance=0.02) == 1.0
    assert fields(target, found, tolerance={"items.price": 0.02}) == 0.5


def test_case_and_space_are_ignored_when_told() -> None:
    assert fields({"a": "New York"}, {"a": "new  york "}) == 0.0
    assert (
        fields({"a": "New York"}, {"a": "new  york "}, ignore_case=True, ignore_space=True) == 1.0
    )


@pytest.mark.parametrize("text", ['{"a": 1', "{'a': 1}", '{"a": 1,}', '{"a": NaN}', 'x {"a": 1}'])
def test_what_is_not_json_scores_zero(text: str) -> None:
    assert fields({"a": 1}, text) == 0.0


def test_a_target_may_be_json_text() -> None:
    assert fields('{"a": 1}', {"a": 1}) == 1.0
    assert JsonFields().lacks(Sample("q1", "", target="{a}")) == "no JSON in its target"
    assert JsonFields().lacks(Sample("q1", "", target="3")) == "no object or list in its target"
    with pytest.raises(Unscorable, match="not JSON"):
        fields("{a}", {"a": 1})


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def schema_score(schema, text: str) -> float:
    return JsonSchema(schema=schema).score(Sample("q1", ""), text)


def test_a_schema_accepts_or_not() -> None:
    assert schema_score(SCHEMA, '{"n": 3}') == 1.0
    assert schema_score(SCHEMA, '{"n": "3"}') == 0.0
    assert schema_score(SCHEMA, "n: 3") == 0.0


def test_a_schema_may_come_from_the_sample() -> None:
    metric = JsonSchema()
    assert metric.score(Sample("q1", "", fields={"schema": SCHEMA}), '{"n": 3}') == 1.0
    assert metric.lacks(Sample("q1", "")) == "no field 'schema'"
    assert "not valid" in metric.lacks(Sample("q1", "", fields={"schema": {"type": 3}}))


def test_a_broken_schema_is_refused_when_built() -> None:
    with pytest.raises(InputError, match="schema is not valid"):
        build_metric(Plugin("json_schema", {"schema": {"type": "objekt"}}))


@pytest.mark.parametrize("ref", ["http://127.0.0.1:9/x.json", "file:///etc/hostname", "#/absent"])
def test_a_reference_outside_the_schema_is_never_fetched(ref: str) -> None:
    with pytest.raises(Unscorable, match="refers to what is not in it"):
        schema_score({"$ref": ref}, "{}")


def test_a_local_reference_is_followed() -> None:
    schema = {"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}
    assert schema_score(schema, "3") == 1.0
    assert schema_score(schema, '"3"') == 0.0


def test_a_schema_without_an_end_is_unscorable() -> None:
    with pytest.raises(Unscorable, match="without end"):
        schema_score({"$ref": "#"}, "3")


def test_unique_items_tell_one_from_true() -> None:
    assert schema_score({"uniqueItems": True}, '[1, true, "1", [1], {"a": 1}]') == 1.0
    assert schema_score({"uniqueItems": True}, "[1, 1.0]") == 0.0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ('```\n{"a": 1}\n```\nor\n```json\n[2]\n```', "[2]"),
        ('```json\n{"a": 1}', '{"a": 1}'),
        ('Sure: {"a": 1}. Done.', '{"a": 1}'),
        ('{"a": 1} then {"b": {"c": 2}}', '{"b": {"c": 2}}'),
        ('{"a": 1} as in [1] and [2]', '{"a": 1}'),
        ('Items: [{"a": 1}, {"a": 2}]', '[{"a": 1}, {"a": 2}]'),
        ('Tags: ["x", "y"]', '["x", "y"]'),
        ('The set {x} is {"a": 1}', '{"a": 1}'),
        ('{"a": "}"} ok', '{"a": "}"}'),
    ],
)
def test_json_is_found_in_an_answer(text: str, found: str) -> None:
    assert find_json(text) == found


@pytest.mark.parametrize(
    "text",
    ["", "no", "42", '{"a": [{"b": 1}, {"b": 2}', '{"a": 1,}', "{'a': 1}", '{"a": {"b": 1}, oops}'],
)
def test_broken_json_is_neither_mended_nor_taken_in_part(text: str) -> None:
    assert find_json(text) is None


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "[" * 65 + "]" * 65, "[" * 10_000])
def test_what_is_no_json_or_too_deep_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|Expecting"):
        read_json(text)


def test_numbers_beyond_floats_are_infinite() -> None:
    assert read_json("9" * 10_000) == float("inf")
    assert read_json("-1e999") == float("-inf")


def test_the_last_loose_field_is_found_where_json_is_broken() -> None:
    text = '{"why": "it says "answer": "3"\nso \\( x \\)", "answer": "\\sqrt{2}"'
    assert loose_field(text, "answer") == "\\sqrt{2}"
    assert loose_field('{"answer": -128\n', "answer") == "-128"
    assert loose_field('{"answer": null}', "answer") is None
    assert loose_field("answer: 3", "answer") is None
