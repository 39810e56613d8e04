"""Log files → LoggedRequests, one at a time: finds the files' form, and what all forms share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from llmroute.errors import LogFormatError
from llmroute.logs import LOG_FORMS, LogForm
from llmroute.logs.entries import read_entries
from llmroute.logs.openai import is_answer, without_text
from llmroute.logs.values import find_field
from llmroute.outcomes.fields import Fields
from llmroute.records import LoggedRequest

AUTO = "auto"

Entry = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Named:
    """The fields a user names, dots leading inwards."""

    score: str = "score"
    propensity: str = "propensity"


@dataclass(frozen=True, slots=True)
class Log:
    """Files of one form."""

    form: str
    """A name of `LOG_FORMS`."""
    paths: tuple[Path, ...]
    named: Named = Named()
    keep_answers: bool = False
    """Of a batch: else only the counts of an answer are held until its request comes."""

    def answer(self, request: LoggedRequest) -> str | None:
        """The text that was answered to a request of this log; None where it has none."""
        text: str | None = LOG_FORMS.build(self.form, {}).answer(request.raw)
        return text

    def requests(self) -> Iterator[LoggedRequest]:
        """Every request, in the order of the files; each time from the start.

        Raises:
            LogFormatError: an entry is not of the form, or holds a value that can't be.
        """
        form = LOG_FORMS.build(self.form, {})
        found = False
        for where, entry in _joined(self.paths, form, keep_answers=self.keep_answers):
            found = True
            _check_form(entry, form, self.form, where)
            request = form.read(entry, where)
            fields = Fields({name: find_field(entry, name) for name in self._names()}, where)
            yield replace(
                request,
                score=fields.share(self.named.score),
                propensity=_propensity(fields, self.named.propensity),
            )
        if not found:
            raise LogFormatError(
                "the log is empty", where=str(self.paths[0]), fix="Name a log that holds requests."
            )

    def _names(self) -> tuple[str, str]:
        return self.named.score, self.named.propensity


def open_log(paths: Sequence[Path], form: str = AUTO, named: Named | None = None) -> Log:
    """The files as one log, its form found by the first entry of each unless it is named.

    Raises:
        UnknownName: no form has the name.
        LogFormatError: a file can't be read, none of the forms is its, or two differ in form.
    """
    if form != AUTO:
        LOG_FORMS.load(form, where="--format")
        return Log(form, tuple(paths), named or Named())
    forms = {path: found for path in paths if (found := _find_form(path)) is not None}
    if not forms:
        raise LogFormatError(
            "the log is empty", where=str(paths[0]), fix="Name a log that holds requests."
        )
    if len(set(forms.values())) > 1:
        listed = ", ".join(f"{path} ({name})" for path, name in forms.items())
        raise LogFormatError(f"the logs differ in form: {listed}", fix="Read them one by one.")
    return Log(next(iter(forms.values())), tuple(paths), named or Named())


def _find_form(path: Path) -> str | None:
    """The form that recognises the file's first entry; None where it has none."""
    for where, entry in islice(read_entries(path), 1):
        name = _form_of(entry)
        if name is None:
            raise _unknown(entry, where)
        return name
    return None


def _form_of(entry: Mapping[str, Any]) -> str | None:
    forms = {name: LOG_FORMS.build(name, {}) for name in LOG_FORMS.names()}
    return next((name for name, form in forms.items() if form.recognises(entry)), None)


def _unknown(entry: Mapping[str, Any], where: str) -> LogFormatError:
    if isinstance(entry.get("models"), dict):
        return LogFormatError(
            "these are outcomes (each prompt with all models' results), not a log of requests",
            where=where,
            fix="Use `llmroute map --data FILE`, or give them beside a log: --outcomes FILE.",
        )
    keys = ", ".join(repr(key) for key in list(entry)[:8]) or "none"
    return LogFormatError(
        f"no known log has an entry with the keys {keys}", where=where, fix=_known_forms()
    )


def _known_forms() -> str:
    lines = (f"  {LOG_FORMS.build(name, {}).described}" for name in LOG_FORMS.names())
    return "\n".join(("Known forms:", *lines))


def _check_form(entry: Mapping[str, Any], form: LogForm, name: str, where: str) -> None:
    if form.recognises(entry):
        return
    other = _form_of(entry)
    raise LogFormatError(
        f"the log is read as {name}, but this entry is "
        + (f"{other}: two forms in one log" if other else "not of that form"),
        where=where,
        fix="Split the file by form." if other else _known_forms(),
    )


def _propensity(fields: Fields, name: str) -> float | None:
    value = fields.share(name)
    if value == 0:
        raise LogFormatError(
            f"{name!r} is 0: a model that was chosen had some probability",
            where=fields.where,
            fix="Log the probability of the model that was chosen, or null.",
        )
    return value


def _joined(paths: Sequence[Path], form: LogForm, *, keep_answers: bool) -> Iterator[Entry]:
    """The entries of all files, a batch's answers with their requests.

    Answers are small without their text and are held until their request comes; where no file
    holds requests they are entries themselves.
    """
    answers, rest = _answer_files(paths)
    if not answers or not rest:
        yield from chain.from_iterable(read_entries(path) for path in paths)
        return
    held: dict[str, Mapping[str, Any]] = {}
    for where, entry in chain.from_iterable(read_entries(path) for path in answers):
        _check_form(entry, form, "openai", where)
        _hold(held, entry if keep_answers else without_text(entry), where)
    for where, entry in chain.from_iterable(read_entries(path) for path in rest):
        answer = held.pop(str(entry.get("custom_id")), None)
        yield where, entry if answer is None else {**answer, **entry}
    for name, left in held.items():
        yield f"{answers[0]}, custom_id {name!r}", left


def _hold(held: dict[str, Mapping[str, Any]], entry: Mapping[str, Any], where: str) -> None:
    name = str(entry["custom_id"])
    if name in held:
        raise LogFormatError(
            f"custom_id {name!r} is answered twice", where=where, fix="Read one batch at a time."
        )
    held[name] = entry


def _answer_files(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Files of a batch's answers, and the others, by their first entry."""
    answers: list[Path] = []
    rest: list[Path] = []
    for path in paths:
        first = next(iter(read_entries(path)), None)
        (answers if first is not None and is_answer(first[1]) else rest).append(path)
    return answers, rest
