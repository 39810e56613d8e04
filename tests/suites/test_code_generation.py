"""The shipped tasks can be solved, and nothing less than a solution passes."""

from __future__ import annotations

import ast

import pytest

from llmroute.records import Sample
from llmroute.resources import shipped
from llmroute.scores.score import build_scorer
from llmroute.suites.load import load_suite

SUITE = load_suite(shipped("suites") / "code_generation.yaml")
SCORER = build_scorer(SUITE)

each_sample = pytest.mark.parametrize("sample", SUITE.samples, ids=lambda sample: sample.id)


def fenced(code: str) -> str:
    return f"```python\n{code}\n```"


def stub(code: str) -> str:
    """The code with nothing in its functions."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = [ast.Pass()]
    return ast.unparse(ast.fix_missing_locations(tree))


def test_there_are_more_than_forty_tasks_with_four_tests_or_more() -> None:
    assert len(SUITE.samples) >= 40
    assert all(len(sample.fields["tests"]) >= 4 for sample in SUITE.samples)
    assert {sample.difficulty for sample in SUITE.samples} == {"easy", "medium", "hard"}
    assert SCORER.runs_code
    assert SCORER.right_or_wrong


@each_sample
def test_the_task_names_what_its_tests_call(sample: Sample) -> None:
    defined = [
        node.name
        for node in ast.parse(sample.target).body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    ]
    public = [name for name in defined if not name.startswith("_")]
    assert public
    assert all(name in sample.input for name in public)


@pytest.mark.usefixtures("sandbox")
@each_sample
def test_the_reference_passes_and_a_stub_of_it_does_not(sample: Sample) -> None:
    assert SCORER.score(sample, fenced(sample.target)).value == 1.0
    assert SCORER.score(sample, fenced(stub(sample.target))).value == 0.0


@pytest.mark.usefixtures("sandbox")
def test_no_code_is_no_answer() -> None:
    for answer in ("", "I don't know.", fenced(""), "```python"):
        assert SCORER.score(SUITE.samples[0], answer).value == 0.0
