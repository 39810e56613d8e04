"""What every exporter of the table must keep to."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
import yaml

from llmroute.errors import InputError
from llmroute.exporters import EXPORTERS
from llmroute.exporters.complexity_score import Scorer
from llmroute.exporters.litellm_complexity import ComplexityFit
from llmroute.records import Interval, Match, Plugin, Provenance

SCORER = Scorer(("def",), ("because",), ("latency",), ("hello",), {"codePresence": 0.3}, {})
FIT = ComplexityFit("small", "big", 0.1, SCORER, 200, *[Interval(0.4, 0.3, 0.5)] * 4, 0.6, 0.9)
PARAMS = {"litellm-complexity": {"fit": FIT}}

READERS = {".yaml": yaml.safe_load, ".json": json.loads, ".py": ast.parse}
FREE_OF_MODELS = ("litellm-auto", "python")
"""They name tasks or candidates only, whatever these are."""


@pytest.fixture(params=list(EXPORTERS.table))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def exporter(name: str) -> Any:
    return EXPORTERS.build(name, PARAMS.get(name, {}))


def test_the_table_is_sorted() -> None:
    assert list(EXPORTERS.table) == sorted(EXPORTERS.table)


def test_exporters_are_frozen_dataclasses_that_say_what_they_write(exporter) -> None:
    assert is_dataclass(exporter)
    assert type(exporter).__dataclass_params__.frozen
    assert (type(exporter).__doc__ or "").partition("\n")[0].endswith(".")


def test_every_parameter_has_a_default(exporter) -> None:
    type(exporter)()


def test_what_is_written_reads_as_its_suffix_says(exporter, make_map, query_router) -> None:
    READERS[exporter.suffix](exporter.render(make_map(query_router=query_router)))


def test_the_same_map_gives_the_same_bytes(exporter, make_map, query_router) -> None:
    given = make_map(query_router=query_router)
    assert exporter.render(given) == exporter.render(given)


def test_what_it_cannot_carry_stands_in_the_text(exporter, make_map, query_router) -> None:
    checks = {"proofs": (Plugin("literal"),)}
    given = make_map(query_router=query_router, checks=checks)
    said = exporter.cannot_carry(given)
    text = " ".join(exporter.render(given).replace("#", " ").replace("\\", "").split())
    assert said
    for sentence in said:
        assert sentence in text
    assert any("checks" in sentence for sentence in said)
    assert any("tfidf" in sentence for sentence in said)


def test_a_programs_name_is_never_sent_to_a_gateway(name, exporter, make_map) -> None:
    known = {name: {"model": "builtin/rules"} for name in ("small", "medium", "big")}
    given = make_map(provenance=Provenance(candidates=known))
    if name in FREE_OF_MODELS:
        exporter.render(given)
        return
    with pytest.raises(InputError, match="builtin/ is a program") as refused:
        exporter.render(given)
    assert "--model small=PROVIDER/MODEL" in str(refused.value)


def test_every_gateway_can_be_told_another_id(name, make_map) -> None:
    if name in FREE_OF_MODELS:
        pytest.skip("it names no model")
    known = {name: {"model": "builtin/rules"} for name in ("small", "medium", "big")}
    given = make_map(provenance=Provenance(candidates=known))
    models = dict.fromkeys(known, "mistral/mistral-small-latest")
    params = {**PARAMS.get(name, {}), "models": models}
    text = EXPORTERS.build(name, params).render(given)
    assert "mistral-small-latest" in text
    assert "builtin" not in text


def test_hostile_names_stay_inside_their_values(exporter, make_map) -> None:
    given = make_map()
    bad = 'x\n# y: z\n\x1b[31m\u202e\'"""\\{{ }} ${HOME}'
    tasks = (replace(given.tasks[0], task=bad), given.tasks[1])
    matches = {bad: Match(tags=(bad,), keywords=(bad,), utterances=(bad,))}
    text = exporter.render(replace(given, tasks=tasks, matches={**given.matches, **matches}))
    READERS[exporter.suffix](text)
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert not any("\x1b" in line or "\u202e" in line for line in comments)
    if exporter.suffix == ".yaml":
        assert not {"y"} & set(yaml.safe_load(text))


def test_no_exporter_imports_litellm_or_pandas() -> None:
    modules = sorted({target.partition(":")[0] for target in EXPORTERS.table.values()})
    said = f"import sys, {', '.join(modules)}; print({{'litellm', 'pandas'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_parameters_are_those_the_command_line_knows() -> None:
    known = {"models", "hook", "also", "encoder", "examples", "fit"}
    for name in EXPORTERS.table:
        assert {field.name for field in fields(EXPORTERS.load(name))} <= known
