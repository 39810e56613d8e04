from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from llmroute.metrics import Unscorable
from llmroute.metrics.sql_result import SqlResult, orders_rows
from llmroute.metrics.sqlite import DatabaseError, QueryError, _worker, query_rows
from llmroute.records import Sample

TABLES = "CREATE TABLE people (name TEXT, team TEXT, age INTEGER, pay REAL)"
ROWS = {
    "people": [
        ["Ada", "red", 30, 10.5],
        ["Bo", "red", 25, 20.0],
        ["Cy", "blue", 41, None],
        ["Di", "blue", 25, 7.25],
        ["Di", "green", 19, 7.25],
    ]
}


def sample(query: str) -> Sample:
    return Sample("q1", "?", target=query, fields={"tables": TABLES, "rows": ROWS})


def score(query: str, reference: str) -> float:
    return SqlResult().score(sample(reference), query)


AVERAGES = "SELECT team, avg(pay) FROM people GROUP BY team"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select TEAM, sum(pay)*1.0/count(pay) AS x from people group by 1;", 1.0),
        ("SELECT team, avg(pay) FROM people GROUP BY team ORDER BY team DESC", 1.0),
        ("SELECT avg(pay), team FROM people GROUP BY team", 0.0),
        ("SELECT team FROM people GROUP BY team", 0.0),
        ("SELECT team, avg(coalesce(pay, 0)) FROM people GROUP BY team", 0.0),
        (f"{AVERAGES} LIMIT 2", 0.0),
        (f"{AVERAGES} UNION ALL {AVERAGES}", 0.0),
        ("SELEC team", 0.0),
        ("SELECT team FROM teams", 0.0),
        ("", 0.0),
        ("Sorry, I cannot help with that.", 0.0),
        (f"{AVERAGES}; DROP TABLE people", 0.0),
    ],
)
def test_a_query_is_right_where_it_gives_the_references_rows(query: str, expected: float) -> None:
    assert score(query, AVERAGES) == expected


def test_order_counts_only_where_the_reference_orders() -> None:
    ordered = "SELECT name FROM people ORDER BY age, name"
    assert score(ordered, ordered) == 1.0
    assert score("SELECT name FROM people ORDER BY age DESC, name", ordered) == 0.0
    assert score("SELECT name FROM people ORDER BY age DESC", "SELECT name FROM people") == 1.0


def test_a_result_that_hangs_on_how_rows_are_stored_is_not_right() -> None:
    reference = "SELECT name FROM people ORDER BY age, name"
    assert score("SELECT name FROM people ORDER BY age", reference) == 0.0
    youngest = "SELECT name FROM people WHERE age = 25 ORDER BY name LIMIT 1"
    assert score("SELECT name FROM people WHERE age = 25 LIMIT 1", youngest) == 0.0


def test_duplicate_rows_count() -> None:
    assert score("SELECT DISTINCT name FROM people", "SELECT name FROM people") == 0.0
    assert score("SELECT name FROM people", "SELECT DISTINCT name FROM people") == 0.0


@pytest.mark.parametrize(
    ("query", "reference", "expected"),
    [
        ("SELECT 2.0", "SELECT 2", 1.0),
        ("SELECT 0.1 + 0.2", "SELECT 0.3", 1.0),
        ("SELECT 1.0 / 3", "SELECT 0.3333333333333", 1.0),
        ("SELECT 0.3333", "SELECT 1.0 / 3", 0.0),
        ("SELECT -0.0", "SELECT 0", 1.0),
        ("SELECT '2'", "SELECT 2", 0.0),
        ("SELECT 'A'", "SELECT 'a'", 0.0),
        ("SELECT 'a '", "SELECT 'a'", 0.0),
        ("SELECT NULL", "SELECT NULL", 1.0),
        ("SELECT ''", "SELECT NULL", 0.0),
        ("SELECT x'ff'", "SELECT x'FF'", 1.0),
        ("SELECT 9e999", "SELECT 9e999", 1.0),
        ("SELECT 123456789012", "SELECT 123456789013", 0.0),
    ],
)
def test_values_are_compared_as_the_docstring_says(
    query: str, reference: str, expected: float
) -> None:
    assert score(query, reference) == expected


@pytest.mark.parametrize(
    ("query", "ordered"),
    [
        ("SELECT a FROM t ORDER BY a", True),
        ("SELECT a FROM t order\n by a", True),
        ("WITH x AS (SELECT 1) SELECT * FROM x ORDER/**/BY 1", True),
        ("SELECT a FROM (SELECT a FROM t ORDER BY a)", False),
        ("SELECT rank() OVER (PARTITION BY b ORDER BY a) FROM t", False),
        ("SELECT 'ORDER BY' FROM t", False),
        ('SELECT "order by" FROM t', False),
        ("SELECT a FROM t -- ORDER BY a", False),
        ("SELECT a FROM t /* ORDER BY a */", False),
        ("SELECT order_by FROM t", False),
        ("SELECT ')' FROM t ORDER BY 1", True),
    ],
)
def test_whether_a_query_orders_is_read_from_its_own_order_by(query: str, ordered: bool) -> None:
    assert orders_rows(query) is ordered


# -- what a suite must bring ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"fields": {"rows": ROWS}}, "no field 'tables'"),
        ({"fields": {"tables": TABLES}}, "no field 'rows'"),
        ({"target": 3}, "no query as its target"),
        ({"target": "SELECT x FROM people"}, "no such column: x"),
        ({"target": "SELECT name FROM people WHERE age > 99"}, "it gives no rows"),
        ({"target": "SELECT name FROM people ORDER BY age"}, "break the ties"),
        ({"target": "SELECT name FROM people LIMIT 1"}, "break the ties"),
        ({"target": "SELECT random()"}, "random"),
        ({"target": "DELETE FROM people"}, "not authorized"),
        ({"fields": {"tables": "CREATE TABLE people(", "rows": {}}}, "incomplete input"),
        ({"fields": {"tables": TABLES, "rows": {"people": [[1]]}}}, "4 columns"),
        ({"fields": {"tables": TABLES, "rows": {"pets": [[1]]}}}, "no such table: pets"),
        ({"fields": {"tables": TABLES, "rows": [[1]]}}, "its rows are not"),
        ({"fields": {"tables": TABLES, "rows": {"people": [1]}}}, "its rows are not"),
        ({"fields": {"tables": TABLES, "rows": {"people": [[[1], 1, 1, 1]]}}}, "not supported"),
    ],
)
def test_a_sample_that_cannot_be_scored_is_noticed(change: dict[str, object], why: str) -> None:
    broken = replace(sample("SELECT name FROM people"), **change)  # type: ignore[arg-type]
    lack = SqlResult().lacks(broken)
    assert lack is not None
    assert why in lack
    with pytest.raises(Unscorable):
        SqlResult().score(broken, "SELECT 1")


@pytest.mark.parametrize(
    "tables",
    [
        "ATTACH 'x.db' AS x",
        "PRAGMA writable_schema=ON",
        "CREATE VIRTUAL TABLE people USING fts5(a)",
        "CREATE TABLE t(a); CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END",
        "CREATE TABLE t(a); INSERT INTO t VALUES (1)",
        "VACUUM INTO '/tmp/x.db'",
    ],
)
def test_a_suites_own_statements_make_tables_and_nothing_else(tables: str) -> None:
    with pytest.raises(DatabaseError, match=r"not authorized|prohibited|denied"):
        query_rows(tables, "{}", "SELECT 1")


# -- hostile queries ------------------------------------------------------------------------------

DOUBLING = "WITH a0 AS (SELECT 1 x)" + "".join(
    f", a{i} AS (SELECT * FROM a{i - 1} UNION ALL SELECT * FROM a{i - 1})" for i in range(1, 40)
)
FOREVER = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) "
LARGE = (
    "WITH RECURSIVE r(i, x) AS (SELECT 1, hex(zeroblob(40000)) UNION ALL SELECT i + 1, x FROM r) "
)
HOSTILE = {
    "insert": "INSERT INTO people VALUES (1, 2, 3, 4)",
    "insert behind with": "WITH x AS (SELECT 1) INSERT INTO people SELECT 1, 2, 3, 4",
    "delete": "DELETE FROM people",
    "update": "UPDATE people SET age = 1",
    "drop": "DROP TABLE people",
    "create": "CREATE TABLE t(a)",
    "temporary": "CREATE TEMP TABLE t(a)",
    "attach": "ATTACH '/tmp/x.db' AS x",
    "vacuum": "VACUUM INTO '/tmp/x.db'",
    "pragma": "PRAGMA table_info(people)",
    "pragma as a table": "SELECT * FROM pragma_table_info('people')",
    "transaction": "BEGIN",
    "extension": "SELECT load_extension('/tmp/x.so')",
    "tokenizer": "SELECT fts3_tokenizer('simple')",
    "file": "SELECT readfile('/etc/passwd')",
    "chance": "SELECT random()",
    "two statements": "SELECT 1; SELECT 2",
    "endless recursion": FOREVER + "SELECT count(*) FROM r",
    "large rows, sorted": LARGE + "SELECT * FROM r ORDER BY x, i",
    "large rows, kept": LARGE + "SELECT count(DISTINCT x || i) FROM r",
    "slow function": FOREVER
    + "SELECT sum(length(replace(hex(zeroblob(40000)), '0', 'ab'))) FROM r",
    "slow pattern": FOREVER + "SELECT sum(hex(zeroblob(40000)) LIKE '%0%0%0%0%0%0%0%0a') FROM r",
    "cross join": "SELECT count(*) FROM " + ", ".join(f"people p{i}" for i in range(20)),
    "doubling expressions": DOUBLING + " SELECT count(*) FROM a39",
    "too many rows": FOREVER + "SELECT i FROM r LIMIT 2000",
    "a long text": "SELECT printf('%.*c', 100000000, 'x') || 'y', zeroblob(1000000000)",
    "deep brackets": "SELECT " + "(" * 5_000 + "1" + ")" * 5_000,
    "a long sum": "SELECT 1" + "+1" * 9_000,
    "too long": "SELECT 1 --" + "x" * 30_000,
    "parameters": "SELECT ?",
    "half a character": "SELECT '\ud800'",
    "nul": "SELECT '\0'",
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_a_hostile_query_gives_nothing_and_the_next_is_answered(kind: str) -> None:
    with pytest.raises(QueryError):
        query_rows(TABLES, json.dumps(ROWS), HOSTILE[kind])
    counted = query_rows(TABLES, json.dumps(ROWS), f"SELECT count(*), {len(kind)} FROM people")
    assert counted == ((5, len(kind)),)


@pytest.mark.parametrize("number", [signal.SIGPROF, signal.SIGKILL])
def test_a_query_that_ends_its_process_ends_no_other(number: signal.Signals) -> None:
    """SIGPROF is what a query that takes too long gets, and its own fault; SIGKILL is not."""
    worker = _worker()
    query_rows(TABLES, "{}", f"SELECT {int(number)}")
    assert worker._process is not None
    worker._process.send_signal(number)
    worker._process.wait()
    with pytest.raises(
        QueryError if number == signal.SIGPROF else Unscorable, match=r"longer|ended"
    ):
        query_rows(TABLES, "{}", f"SELECT {int(number)}, 'unheard'")
    assert query_rows(TABLES, "{}", f"SELECT {int(number)}, 'again'") == ((int(number), "again"),)


def test_a_hostile_query_scores_zero() -> None:
    assert score(HOSTILE["doubling expressions"], AVERAGES) == 0.0
    assert score(HOSTILE["drop"], AVERAGES) == 0.0


def test_nothing_was_written() -> None:
    assert not Path("/tmp/x.db").exists()
