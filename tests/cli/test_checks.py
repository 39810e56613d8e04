"""Checks that a suite names, from its file into the map and from the map to an answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmroute import Router

Invoke = Callable[..., Any]


@pytest.fixture
def benched(
    chat_server: Any, configure: Callable[..., Path], suite: Path, folder: Path, llmroute: Invoke
) -> Path:
    """The map of a bench whose suite names checks."""
    chat_server.script = lambda asked: asked.prompt.rpartition("(")[2].partition(")")[0]
    suite.write_text(
        suite.read_text().replace(
            "metric: exact\n",
            "metric: exact\nlabels: [red, green, blue, grey]\n"
            "checks: [label, {name: length, max_words: 4}]\n",
        )
    )
    configure(
        "\n".join(
            f"  - {{model: openai/{name}, name: {name}, api_base: '{chat_server.url}', "
            f"price: {{input_usd_per_mtok: {price}, output_usd_per_mtok: {price}}}}}"
            for name, price in (("small", 0.1), ("large", 10))
        )
    )
    result = llmroute("bench")
    assert result.exit_code == 0, result.stderr
    return folder / "llmroute-out/routing-map.yaml"


def test_checks_travel_into_the_map_with_the_suites_labels(benched: Path) -> None:
    assert yaml.safe_load(benched.read_text())["tasks"]["colours"]["checks"] == [
        {"name": "label", "labels": ["red", "green", "blue", "grey"]},
        {"name": "length", "max_words": 4},
    ]


def test_the_map_reviews_answers_as_its_suite_says(benched: Path) -> None:
    router = Router.load(benched)
    assert router.review("Which colour?", "red").accepted
    review = router.review("Which colour?", "It depends on how one looks at it.")
    assert (review.accepted, review.model_next) == (False, "large")
    assert review.failed_checks == ("label.failed", "length.outside")


def test_lint_names_the_check_that_was_meant(suite: Path, llmroute: Invoke) -> None:
    suite.write_text(
        suite.read_text().replace("metric: exact\n", "metric: exact\nchecks: legnth\n")
    )
    result = llmroute("suites", "lint", suite)
    assert result.exit_code == 2
    assert "unknown check 'legnth'" in result.stderr
    assert "Did you mean 'length'?" in result.stderr
