"""No hostile template gets past the loader; how fast each is refused, its benchmark prints."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "hostile_rubrics.py"


def load_benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hostile_rubrics", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


corpus = load_benchmark()
TEMPLATES = list(corpus.hostile_templates())


def test_there_are_enough_hostile_templates() -> None:
    assert len(set(TEMPLATES)) >= 60


def test_the_rubric_around_them_is_usable(tmp_path: Path) -> None:
    assert corpus.refusal(tmp_path, "prompt", corpus.PROMPT)[0] is None
    assert corpus.refusal(tmp_path, "system", corpus.SYSTEM)[0] is None


@pytest.mark.parametrize(("key", "template"), TEMPLATES, ids=lambda text: text[-30:])
def test_a_hostile_template_is_refused_where_it_stands(
    tmp_path: Path, key: str, template: str
) -> None:
    error, _ = corpus.refusal(tmp_path, key, template)
    assert error is not None
    assert "hostile.yaml:1:" in str(error)
    said = ("template", "form of the reply", "marker")
    assert any(word in str(error) for word in said)
    assert error.fix
