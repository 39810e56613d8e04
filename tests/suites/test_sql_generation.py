"""The shipped questions tell a right query from one with a small, plausible slip."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from llmroute.metrics.sql_result import SqlResult
from llmroute.records import Sample
from llmroute.resources import shipped
from llmroute.scores.score import build_scorer
from llmroute.suites.load import load_suite

SUITE = load_suite(shipped("suites") / "sql_generation.yaml")

SLIPS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r">=", ">"),
    (r"<=", "<"),
    (r"(?<![<>])=(?!=)", "<>"),
    (r">(?!=)", ">="),
    (r"<(?![=>])", "<="),
    (r"\bLEFT JOIN\b", "JOIN"),
    (r"\bDISTINCT\b ?", ""),
    (r"\bDESC\b", "ASC"),
    (r" ORDER BY [^()]*$", ""),
    (r"\bIS NULL\b", "IS NOT NULL"),
    (r"\bIS NOT NULL\b", "IS NULL"),
    (r"\bNOT EXISTS\b", "EXISTS"),
    (r"\bNOT IN\b", "IN"),
    (r"\bcount\((?!\*)", "sum("),
    (r"\bcount\(", "1 + count("),
    (r"\bsum\(", "avg("),
    (r"\btotal\(", "max("),
    (r"\bavg\(", "max("),
    (r"\bmax\(", "min("),
    (r"\bmin\(", "max("),
    (r"\blag\(", "lead("),
    (r" \* 1\.0", ""),
    (r"(?<=\) )\+ 1\b", ""),
    (r"\bAND\b", "OR"),
    (r"\bWHERE\b", "WHERE NOT"),
    (r" HAVING .*?(?= ORDER|$)", ""),
    (r" PARTITION BY [a-z_.]+", ""),
    (r"(?<=-)01'", "02'"),
    (r"(?<!SELECT )\b\d+\b(?!-)", lambda number: str(int(number[0]) + 1)),
)
"""What is written → what somebody might write instead."""


def mutants(query: str) -> Iterator[str]:
    """The query with each slip at each place where it fits."""
    for pattern, instead in SLIPS:
        for match in re.finditer(pattern, query):
            written = instead if isinstance(instead, str) else instead(match)
            yield query[: match.start()] + written + query[match.end() :]


def survivors(sample: Sample) -> tuple[int, int]:
    """How many slips score 1, and how many there are."""
    scores = [SqlResult().score(sample, query) for query in mutants(sample.target)]
    return sum(score > 0 for score in scores), len(scores)


def test_there_are_more_than_forty_questions_over_five_schemas() -> None:
    assert len(SUITE.samples) >= 40
    assert len({sample.fields["tables"] for sample in SUITE.samples}) == 5
    assert {sample.difficulty for sample in SUITE.samples} == {"easy", "medium", "hard"}


@pytest.mark.parametrize("sample", SUITE.samples, ids=lambda sample: sample.id)
def test_each_reference_scores_one_and_some_slip_in_it_zero(sample: Sample) -> None:
    assert SqlResult().score(sample, sample.target) == 1.0
    n_right, n_slips = survivors(sample)
    assert n_right < n_slips


def test_nineteen_of_twenty_slips_are_noticed() -> None:
    """The rest is no slip: `ORDER BY` after a GROUP BY that SQLite sorts for, 31 as 32, ..."""
    found = [survivors(sample) for sample in SUITE.samples]
    n_slips = sum(n for _, n in found)
    assert n_slips > 200
    assert sum(n for n, _ in found) / n_slips <= 0.05


def test_answers_as_models_write_them_are_read() -> None:
    scorer = build_scorer(SUITE)
    sample = SUITE.samples[1]
    query = sample.target
    for answer in (query, f"```sql\n{query};\n```", f"Here it is:\n```\n{query}\n```\nIt counts."):
        assert scorer.score(sample, answer).value == 1.0
    for answer in ("", "I don't know.", "```sql\n```", f"```sql\n{query} LIMIT 0\n```"):
        assert scorer.score(sample, answer).value == 0.0


def test_no_constant_query_is_right_often() -> None:
    scorer = build_scorer(SUITE)
    for constant in ("SELECT 1", "SELECT 3", "SELECT NULL"):
        right = sum(scorer.score(sample, constant).value or 0.0 for sample in SUITE.samples)
        assert right <= 1
