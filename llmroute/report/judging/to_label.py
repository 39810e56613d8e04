"""Answers to label → the table people fill in, as CSV or JSONL; no cell can run as a formula."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llmroute.judges.labels import answer_digest, item_id
from llmroute.report.cells import inert
from llmroute.report.sanitize import visible

if TYPE_CHECKING:
    from llmroute.judges.sample import ToLabel

MAX_CELL_CHARS = 30_000
"""A spreadsheet cell holds 32,767."""


def render_to_label(sample: Sequence[ToLabel], *, as_csv: bool) -> str:
    """One line an answer, its `score` (or `winner`) and `rater` empty.

    Neither the candidate nor what the judge said is in it: both would sway a reader.
    """
    rows = [_row(one) for one in sample]
    if not as_csv:
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return sink.getvalue()


def _row(one: ToLabel) -> dict[str, Any]:
    row: dict[str, Any] = {"item": item_id(one.key), "task": one.key[0], "prompt": one.prompt.text}
    if one.prompt.target is not None:
        row["target"] = one.prompt.target
    if one.other_answer is None:
        row |= {"answer": one.answer, "score": None}
    else:
        row |= {"first_answer": one.answer, "second_answer": one.other_answer, "winner": None}
    row |= {"rater": None, "weight": float(f"{one.weight:.6g}")}
    if one.other_answer is None:
        row["answer_digest"] = answer_digest(one.answer)
    return row if one.group is None else {**row, "group": one.group}


def _cell(value: Any) -> str | float:
    if value is None:
        return ""
    if isinstance(value, float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return inert(visible(text[:MAX_CELL_CHARS]))
