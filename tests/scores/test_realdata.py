"""Recorded answers of real models, scored again: agreement with the scores of their sources.

Measured over all answers, with no exception for any single one:

| data | metric | answers | agree |
|---|---|---:|---:|
| ZeroEval GSM8K, 15 models | json_field + numeric | 19,785 | 99.94 % (11 differ) |
| RouteLLM GSM8K, 2 models | numeric | 2,638 | 98.03 % (52 differ) |
| ZeroEval MATH level 5, 16 models | json_field + math | 11,536 | 99.57 % (50 differ) |

RouteLLM: 47 of the 52 are plain faults of the record, which passes over the decimal point and the
sign: "$20.00" is recorded wrong where the target is 20 (44 such), and "0.84" or "-54" right where
it is 84 or 54 (3). In 2 a clock time is read (2:00 pm for 2), in 3 the number does not come last.

ZeroEval's record compares the first number of an answer: "6√2" or "12-10d" is recorded right where
the target is 6 or 12 (28), and "2, -1" where it is 2 (14). It looks into the JSON only, so a right
`\\boxed{}` after it is recorded wrong. Where an answer is a sentence with several numbers
("$160: the blue car $100, the red one $60"), the last number is not the result, and `numeric` errs.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmroute.records import Plugin, Sample, Suite
from llmroute.scores.score import build_scorer

if TYPE_CHECKING:
    from collections.abc import Iterator

REALDATA = Path(
    os.environ.get("LLMROUTE_REALDATA", Path(__file__).parents[2].parent / "shared" / "realdata")
)
ANSWER_FIELD = Plugin("json_field", {"path": "answer", "loose": True, "or_output": True})


@dataclass(frozen=True)
class Disagreement:
    model: str
    target: str
    recorded: float
    ours: float
    prediction: str
    output: str

    @property
    def kind(self) -> str:
        """What kind of disagreement it is; "recorded wrong" where the record is plainly so."""
        final = " ".join(self.prediction[-60:].split())
        return self._missed(final) if self.recorded == 0.0 else self._given(final)

    def _missed(self, final: str) -> str:
        if re.search(rf"(?<!\d){re.escape(self.target)}\.0+(?!\d)", final):
            return "recorded wrong: 0 for the same number written with .00"
        if re.search(r"\d:\d\d", final):
            return "recorded 0, a clock time on the hour"
        return "recorded 0, the final answer found is the target"

    def _given(self, final: str) -> str:
        expression = r"√|sqrt|\^|\d[a-z]$|[a-z] [+-]|[+-] [A-Z]|π|frac|cos\^|log"
        if len(self.prediction) < 60 and re.search(expression, final):
            return "recorded wrong: 1 for an expression that begins with the target or holds it"
        if len(self.prediction) < 60 and re.search(r"\d\s*(?:,|or)\s*-?[\d(]", final):
            return "recorded wrong: 1 for several values, the target among them"
        digits = re.findall(r"(?<![\d/])-?\d[\d,]*\.?\d*", final)
        if digits and digits[-1].replace(".", "").lstrip("0-") == self.target:
            return "recorded wrong: 1 for a number with another sign or decimal point"
        return "recorded 1, the last number is another"


@dataclass(frozen=True)
class Comparison:
    n_answers: int
    disagreements: tuple[Disagreement, ...]

    @property
    def agreement(self) -> float:
        return 1 - len(self.disagreements) / self.n_answers

    def report(self) -> str:
        kinds = Counter(one.kind for one in self.disagreements)
        lines = [f"{self.agreement:.4%} of {self.n_answers} answers agree; the others by kind:"]
        for kind, count in kinds.most_common():
            lines.append(f"{count:5} × {kind}")
            lines.extend(
                f"        target {one.target!r}, recorded {one.recorded}, "
                f"ours {one.ours}: {one.prediction[-60:]!r} ({one.model})"
                for one in [one for one in self.disagreements if one.kind == kind][:5]
            )
        return "\n".join(lines)


def read_rows(name: str, task: str) -> list[dict]:
    path = REALDATA / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"real data {path.name} is absent; set LLMROUTE_REALDATA to its folder")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [row for row in map(json.loads, lines) if row["task"] == task]


def answers(rows: list[dict]) -> Iterator[tuple[dict, str, dict]]:
    for row in rows:
        for model, outcome in row["models"].items():
            if outcome["answer"] is not None and outcome["score"] is not None:
                yield row, model, outcome


def compare(rows: list[dict], metric: str, extract: tuple[Plugin, ...] = ()) -> Comparison:
    samples = {row["id"]: Sample(row["id"], "", target=row["gold"]) for row in rows}
    suite = Suite(
        "real", "real", tuple(samples.values()), metrics=(Plugin(metric),), extract=extract
    )
    scorer = build_scorer(suite)
    n_answers, disagreements = 0, []
    for row, model, outcome in answers(rows):
        n_answers += 1
        score = scorer.score(samples[row["id"]], outcome["answer"])
        assert score.value is not None, score.reason
        if score.value != outcome["score"]:
            disagreements.append(
                Disagreement(
                    model,
                    row["gold"],
                    outcome["score"],
                    score.value,
                    score.prediction or "",
                    outcome["answer"],
                )
            )
    return Comparison(n_answers, tuple(disagreements))


def test_numeric_agrees_with_zeroeval_on_gsm8k() -> None:
    comparison = compare(read_rows("zeroeval", "gsm"), "numeric", (ANSWER_FIELD,))
    assert comparison.n_answers == 19_785
    assert comparison.agreement >= 0.995, comparison.report()


def test_numeric_reads_zeroeval_answers_without_extraction_too() -> None:
    comparison = compare(read_rows("zeroeval", "gsm"), "numeric")
    assert comparison.agreement >= 0.995, comparison.report()


def test_numeric_agrees_with_routellm_on_gsm8k() -> None:
    comparison = compare(read_rows("routellm_gsm8k", "gsm8k"), "numeric")
    assert comparison.n_answers == 2_638
    assert comparison.agreement >= 0.98, comparison.report()


def test_most_disagreements_with_routellm_are_decimals_recorded_wrong() -> None:
    comparison = compare(read_rows("routellm_gsm8k", "gsm8k"), "numeric")
    wrong = [one for one in comparison.disagreements if one.kind.startswith("recorded wrong")]
    assert len(wrong) >= 0.9 * len(comparison.disagreements), comparison.report()


def test_math_agrees_with_zeroeval_on_math_level_5() -> None:
    comparison = compare(read_rows("zeroeval", "math-l5"), "math", (ANSWER_FIELD,))
    assert comparison.n_answers == 11_536
    assert comparison.agreement >= 0.97, comparison.report()
