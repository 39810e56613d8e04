"""`llmroute route`: a request → its task and its model, by the routing map."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmroute.cli import options as opt
from llmroute.cli import reading
from llmroute.cli.errors import command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.outcomes.fields import Fields
    from llmroute.recogniser.request import Messages
    from llmroute.router import Decision, Router

WRITE_MESSAGES = 'Write [{"role": "user", "content": "..."}], or a request\'s body.'


@command
def route(
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="[TEXT]", help="What is asked; - or nothing: stdin.", show_default=False
        ),
    ] = None,
    messages: Annotated[
        Path | None,
        typer.Option(
            "--messages", metavar="FILE", help="Chat messages as a JSON list; - is stdin."
        ),
    ] = None,
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl",
            help='Requests on stdin, one {"id", "prompt" or "messages", "tags", "metadata", "task"}'
            " a line; a decision a line comes back.",
        ),
    ] = False,
    routing_map: opt.MapFile = None,
    task: Annotated[
        str | None, typer.Option("--task", metavar="NAME", help="Its task, where it is known.")
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="What else is known of it. May repeat."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Also what each layer saw.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")
    ] = False,
    config: opt.ConfigFile = None,
) -> int:
    """Say which model answers a request, and why; no call is made.

    Its task is what --task or a tag names, or what the suites' match rules find, or the task whose
    samples it is like; else it is unknown, and the reference answers.
    """
    from llmroute.router import Router

    _check_one_source(text, messages, jsonl=jsonl)
    router = Router.load(reading.find_map(routing_map, config))
    tags = _known_tags(router, tag or ())
    if jsonl:
        _route_lines(router, task, tags, explain=explain)
        return 0
    request = _read_messages(messages) if messages else _read_request(text)
    _check_asked(request)
    decision = router.decide(request, task=task, tags=tags)
    query_router = router.explain(request, decision) if explain else ()
    _print(decision, query_router, explain=explain, as_json=as_json)
    return 0


def _check_one_source(text: str | None, messages: Path | None, *, jsonl: bool) -> None:
    """Nothing, where there is one request or one stream of them.

    Raises:
        ConfigError: there are several, or none.
    """
    from llmroute.errors import ConfigError

    named = [name for name, given in (("a text", text is not None), ("--messages", messages),
             ("--jsonl", jsonl)) if given]  # fmt: skip
    if len(named) > 1:
        raise ConfigError(f"{' and '.join(named)} are both given", fix="Leave one of them out.")
    if not named and sys.stdin.isatty():
        raise ConfigError(
            "nothing is asked",
            fix='Write it: llmroute route "How many eggs are left?", or pipe it in.',
        )


def _known_tags(router: Router, tags: Sequence[str]) -> list[str]:
    """The tags, where each names a task: what is typed here is meant.

    Raises:
        UnknownName: one names none.
    """
    from llmroute.errors import UnknownName

    known = {tag for rule in router.recogniser.rules for tag in (rule.task, *rule.match.tags)}
    for tag in tags:
        if tag not in known:
            raise UnknownName("tag", tag, known, where="--tag")
    return list(tags)


def _read_request(text: str | None) -> str:
    from llmroute.cli.stdin import read_text

    return read_text(Path("-")) if text in (None, "-") else text


def _read_messages(path: Path) -> Messages:
    """The messages in a JSON file: a list, or a request's body with `messages`.

    Raises:
        InputError: it is neither.
    """
    import json

    from llmroute.cli.stdin import read_text
    from llmroute.errors import InputError

    where = "stdin" if str(path) == "-" else str(path)
    content = read_text(path)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}", where=where, fix=WRITE_MESSAGES) from error
    found = value.get("messages") if isinstance(value, dict) else value
    if not isinstance(found, list):
        raise InputError("there is no list of messages", where=where, fix=WRITE_MESSAGES)
    return found


def _check_asked(request: str | Messages) -> None:
    """Nothing, where something is asked; a long request is said to be read in part.

    Raises:
        InputError: nothing is asked.
    """
    from llmroute.cli.console import say
    from llmroute.clip import MAX_CHARS
    from llmroute.errors import InputError
    from llmroute.recogniser.request import read_request

    n_chars = len(read_request(request).text)
    if not n_chars:
        raise InputError("the request is empty", fix="Send a text, or a user message with text.")
    if n_chars > MAX_CHARS:
        head, tail = MAX_CHARS - MAX_CHARS // 4, MAX_CHARS // 4
        say(f"Of its {n_chars:,} characters the first {head:,} and the last {tail:,} are read.")


def _route_lines(router: Router, task: str | None, tags: list[str], *, explain: bool) -> None:
    """A decision for each line of stdin, as the lines come.

    Raises:
        LogFormatError: a line is no request; those before it are answered.
    """
    import json

    from llmroute.cli.stdin import read_objects
    from llmroute.outcomes.fields import Fields
    from llmroute.report.decision import decision_json

    for where, entry in read_objects():
        decision = _route_line(router, Fields(entry, where), task, tags)
        document = {"id": entry.get("id"), **decision_json(decision, explain=explain)}
        typer.echo(json.dumps(document, ensure_ascii=False))


def _route_line(router: Router, line: Fields, task: str | None, tags: list[str]) -> Decision:
    from llmroute.errors import InputError, LogFormatError

    fix = 'Write "prompt": "...", or "messages": [...].'
    asked = line.content.get("messages")
    if asked is not None and not isinstance(asked, list):
        raise LogFormatError("'messages' is no list", where=line.where, fix=fix)
    asked = line.text("prompt") if asked is None else asked
    if asked is None:
        raise LogFormatError("the line asks nothing", where=line.where, fix=fix)
    try:
        return router.decide(
            asked,
            task=line.text("task") or task,
            tags=[*line.texts("tags"), *tags],
            metadata=line.content.get("metadata"),
        )
    except LogFormatError:
        raise
    except InputError as error:
        raise LogFormatError(error.what, where=line.where, fix=error.fix) from error


def _print(
    decision: Decision, query_router: Sequence[str], *, explain: bool, as_json: bool
) -> None:
    import json

    from llmroute.cli.console import show_text
    from llmroute.report.decision import decision_json, decision_rows, explain_rows
    from llmroute.report.sanitize import one_line

    if as_json:
        document = decision_json(decision, explain=explain, query_router=query_router)
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    rows = [*decision_rows(decision), *(explain_rows(decision, query_router) if explain else ())]
    width = max(len(name) for name, _ in rows) + 2
    for name, value in rows:
        show_text(f"{name:<{width}}{one_line(value)}")
