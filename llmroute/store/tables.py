"""Records → inserts, with the numbers that stand for keys, requests and words."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from llmroute.store import rows

if TYPE_CHECKING:
    import sqlite3

    from llmroute.records import Call, Completion, Failure, Score
    from llmroute.store.manifest import RunManifest


class Tables:
    """The tables of an open store, inside the transaction of whoever writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection
        self._words: dict[str, int] = {}
        self._next_call: int | None = None

    def forget(self) -> None:
        """Drop what was remembered of the tables: after a rollback it need not be there."""
        self._words.clear()
        self._next_call = None

    def write_answer(self, call: Call, completion: Completion) -> None:
        """An answer, in place of an earlier one and its scores, and of a failure."""
        number, is_known = self._call(call.key)
        if is_known:
            self._sql.execute("DELETE FROM failures WHERE call = ?", (number,))
            self._sql.execute("DELETE FROM scores WHERE call = ?", (number,))
        usage = completion.usage
        self._sql.execute(
            "INSERT OR REPLACE INTO answers"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                self._request(call),
                self._word(call.candidate.model),
                call.repeat,
                rows.to_stored(completion.output),
                rows.count(usage.input_tokens),
                rows.count(usage.output_tokens),
                rows.count(usage.cached_input_tokens),
                rows.count(usage.reasoning_tokens),
                self._word(completion.finish_reason),
                completion.latency_s,
                completion.busy_s,
                completion.recorded_cost_usd,
                self._word(completion.model_returned),
                completion.attempts,
                completion.created_s,
            ),
        )

    def write_failure(self, key: str, failure: Failure) -> None:
        """The last failure of a call without an answer."""
        number, is_known = self._call(key)
        if is_known and self._is_answered(number):
            return
        self._sql.execute(
            "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                self._word(failure.kind),
                rows.to_stored(failure.message),
                rows.count(failure.status),
                failure.latency_s,
                failure.attempts,
                failure.created_s,
            ),
        )

    def write_attempt(self, key: str, failure: Failure) -> None:
        """One failed attempt."""
        kind, status = self._word(failure.kind), rows.count(failure.status)
        self._sql.execute(
            "INSERT INTO attempts (call, kind, status, latency_s, created_s)"
            " VALUES (?, ?, ?, ?, ?)",
            (self._call(key)[0], kind, status, failure.latency_s, failure.created_s),
        )

    def write_score(self, key: str, scorer: str, score: Score) -> None:
        """A score of an answer that is there."""
        prediction = None if score.prediction is None else rows.to_stored(score.prediction)
        reason = None if score.reason is None else rows.to_stored(score.reason)
        self._sql.execute(
            "INSERT OR REPLACE INTO scores SELECT call, ?1, ?2,"
            " CASE WHEN output IS ?3 THEN 1 ELSE ?3 END, ?4, ?5"  # rows.WHOLE_OUTPUT
            " FROM answers WHERE call = (SELECT id FROM calls WHERE key = ?6)",
            (
                self._word(scorer),
                score.value,
                prediction,
                rows.parts_json(score.parts),
                reason,
                rows.key_blob(key),
            ),
        )

    def write_suite(self, name: str, content: str) -> None:
        """A suite's content by its hash."""
        self._sql.execute(
            "INSERT OR IGNORE INTO suites VALUES (?, ?)", (name, zlib.compress(content.encode()))
        )

    def write_run(self, manifest: RunManifest) -> None:
        """A run's manifest."""
        self._sql.execute(
            "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?)",
            (
                manifest.run_id,
                manifest.started,
                manifest.finished,
                manifest.state,
                manifest.to_json(),
            ),
        )

    def write_end(self, run_id: str, state: str, finished: str) -> None:
        """How a run ended."""
        self._sql.execute(
            "UPDATE runs SET state = ?, finished = ? WHERE id = ?", (state, finished, run_id)
        )

    def _call(self, key: str) -> tuple[int, bool]:
        """The call's number, and whether the store knew it before."""
        blob = rows.key_blob(key)
        found = self._sql.execute("SELECT id FROM calls WHERE key = ?", (blob,)).fetchone()
        if found:
            return int(found[0]), True
        number = self._free_call()
        self._sql.execute("INSERT INTO calls VALUES (?, ?)", (blob, number))
        self._next_call = number + 1
        return number, False

    def _free_call(self) -> int:
        if self._next_call is None:
            (last,) = self._sql.execute("SELECT max(id) FROM calls").fetchone()
            self._next_call = (last or 0) + 1
        return self._next_call

    def _is_answered(self, number: int) -> bool:
        found = self._sql.execute("SELECT 1 FROM answers WHERE call = ?", (number,))
        return found.fetchone() is not None

    def _request(self, call: Call) -> int:
        digest = rows.key_blob(call.messages_digest)
        found = self._sql.execute("SELECT id FROM requests WHERE digest = ?", (digest,))
        return self._number(found.fetchone()) or self._inserted(
            "INSERT INTO requests (digest, messages) VALUES (?, ?)",
            (digest, rows.messages_json(call.messages)),
        )

    def _word(self, text: str | None) -> int | None:
        if text is None:
            return None
        known = self._words.get(text)
        if known is None:
            known = self._words[text] = self._stored_word(rows.to_stored(text))
        return known

    def _stored_word(self, word: rows.Stored) -> int:
        found = self._sql.execute("SELECT id FROM words WHERE text = ?", (word,))
        return self._number(found.fetchone()) or self._inserted(
            "INSERT INTO words (text) VALUES (?)", (word,)
        )

    def _number(self, row: tuple[int] | None) -> int:
        return row[0] if row else 0

    def _inserted(self, statement: str, values: tuple[Any, ...]) -> int:
        return self._sql.execute(statement, values).lastrowid or 0
