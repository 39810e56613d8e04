"""Whether the predicted query gives what the reference query gives."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from llmroute.digest import canonical_json
from llmroute.metrics import Unscorable
from llmroute.metrics.sqlite import DatabaseError, QueryError, Rows, query_rows

if TYPE_CHECKING:
    from llmroute.records import Sample

_DIGITS = 9
_PARTS = re.compile(
    r"--[^\n]*|/\*.*?(?:\*/|$)|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|[()]|\w+",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class SqlResult:
    """1.0 where the predicted query gives the reference's result, else 0.0.

    The target is the reference query. The database is made in memory from the sample's fields:
    `tables`, CREATE statements, and `rows`, {table: [[value, …], …]}; queries can only read it.
    SQLite's dialect, in the version this Python brings; columns count in their order, their names
    do not.

    Rows are compared in order where the reference has an ORDER BY of its own, and else as a
    multiset. Whole floats equal integers, floats are compared to nine digits, NULL equals NULL,
    text is compared as it stands. Both queries are run twice, on rows stored first to last and last
    to first: a result that hangs on how rows are stored is not the answer to a question.

    A query that does not run, changes something, calls random() or takes more than it may (five
    million steps, 1,000 rows, 256 MB) scores 0.
    """

    needs_target: ClassVar[bool] = True
    right_or_wrong: ClassVar[bool] = True

    tables: str = "tables"
    rows: str = "rows"

    def lacks(self, sample: Sample) -> str | None:
        """What the sample must have for this metric, or None."""
        for name in (self.tables, self.rows):
            if name not in sample.fields:
                return f"no field {name!r}"
        if not isinstance(sample.target, str):
            return "no query as its target"
        try:
            self._reference(sample)
        except (DatabaseError, ValueError) as error:
            return f"no usable reference query ({error})"
        return None

    def score(self, sample: Sample, prediction: str) -> float:
        """1.0 or 0.0.

        Raises:
            Unscorable: the sample's own database or reference is not usable.
        """
        if (missing := self.lacks(sample)) is not None:
            raise Unscorable(missing)
        expected, is_ordered = self._reference(sample), orders_rows(sample.target)
        try:
            found = self._results(sample, prediction)
        except QueryError:
            return 0.0
        return float(all(_same(rows, expected, is_ordered) for rows in found))

    def _reference(self, sample: Sample) -> Rows:
        """The reference's result.

        Raises:
            ValueError: there is none, or it depends on how the rows are stored.
        """
        first, last = self._results(sample, sample.target)
        if not first:
            raise ValueError("it gives no rows, and so do many wrong queries")
        if not _same(first, last, orders_rows(sample.target)):
            raise ValueError(
                "its result depends on the order in which rows are stored: break the ties of its "
                "ORDER BY"
            )
        return first

    def _results(self, sample: Sample, query: str) -> tuple[Rows, Rows]:
        tables, rows = sample.fields[self.tables], _rows_json(sample.fields[self.rows])
        return (
            query_rows(str(tables), rows, query),
            query_rows(str(tables), rows, query, reverse=True),
        )


def _rows_json(rows: Any) -> str:
    """The rows as JSON.

    Raises:
        DatabaseError: they are not {table: [[value, …], …]}.
    """
    contents = list(rows.values()) if isinstance(rows, dict) else [None]
    lists = [content for content in contents if isinstance(content, list)]
    if len(lists) < len(contents) or not all(isinstance(row, list) for c in lists for row in c):
        raise DatabaseError("its rows are not {table: [[value, …], …]}")
    return canonical_json(rows)


def orders_rows(query: str) -> bool:
    """Whether a query orders its result: an ORDER BY outside brackets, quotes and comments.

    >>> orders_rows("SELECT a FROM t ORDER BY a")
    True
    >>> orders_rows("SELECT a, rank() OVER (ORDER BY a) FROM t -- ORDER BY a")
    False
    """
    depth, before = 0, ""
    for part in _PARTS.findall(query):
        word = part.lower()
        depth += (word == "(") - (word == ")")
        if depth == 0 and before == "order" and word == "by":
            return True
        if not word.startswith(("--", "/*")):
            before = word
    return False


def _same(one: Rows, other: Rows, is_ordered: bool) -> bool:
    mine, others = ([tuple(map(_normal, row)) for row in rows] for rows in (one, other))
    return mine == others if is_ordered else Counter(mine) == Counter(others)


def _normal(value: Any) -> Any:
    if not isinstance(value, float) or not math.isfinite(value) or value == 0:
        return value
    return round(value, _DIGITS - 1 - math.floor(math.log10(abs(value))))
