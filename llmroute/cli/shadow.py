"""`llmroute shadow`: what the map would have done with logged requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmroute.cli import options as opt
from llmroute.cli import reading
from llmroute.cli.errors import command
from llmroute.cli.options import MapFile
from llmroute.cli.reading import find_map

if TYPE_CHECKING:
    from llmroute.records import Outcomes
    from llmroute.report.shadow.view import ShadowView
    from llmroute.shadowing import Shadow

SUFFIXES = (".md", ".csv", ".json")
MOST_ROWS = 12


@command
def shadow(
    log: opt.Log,
    routing_map: MapFile = None,
    prices: opt.PriceFile = None,
    outcomes: Annotated[
        list[Path] | None,
        typer.Option(
            "--outcomes",
            metavar="FILE",
            help="Further answers to the logged requests, under their ids: JSONL. May repeat.",
        ),
    ] = None,
    alias: Annotated[
        list[str] | None,
        typer.Option(
            "--alias", metavar="NAME=CANDIDATE", help="What the log calls a candidate. May repeat."
        ),
    ] = None,
    volume: opt.VolumeOption = None,
    log_format: opt.LogFormat = "auto",
    score_field: opt.ScoreField = "score",
    propensity_field: Annotated[
        str,
        typer.Option(
            "--propensity-field",
            metavar="NAME",
            help="Where it says how probable the choice of its model was, if that was drawn.",
        ),
    ] = "propensity",
    judge: Annotated[
        list[str] | None,
        typer.Option(
            "--judge",
            metavar="MODEL",
            help="Let it grade both answers where the log or --outcomes has their texts; a judge of"
            " the configuration or a LiteLLM id. Several are a panel.",
        ),
    ] = None,
    rubric: Annotated[
        str,
        typer.Option("--rubric", metavar="NAME", help="What the judge goes by."),
    ] = "helpfulness",
    judge_sample: Annotated[
        int,
        typer.Option(
            "--judge-sample", metavar="N", min=1, help="Pairs it grades, drawn at random."
        ),
    ] = 100,
    max_usd: Annotated[
        float | None,
        typer.Option("--max-usd", metavar="USD", help="Spend no more on it.", show_default=False),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Don't ask before spending more than confirm_usd.")
    ] = False,
    show: Annotated[
        int, typer.Option("--show", metavar="N", min=0, max=1000, help="Print N requests' text.")
    ] = 0,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Of the requests shown or judged.")
    ] = 0,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="A file: .md, .csv or .json. May repeat."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")
    ] = False,
    config: opt.ConfigFile = None,
) -> int:
    """Say what the map would have done with logged requests: who answers, at which cost, how well.

    No model is called but a judge, where --judge names one: it is sent the
    texts it grades, and they are kept in the store. Else nothing of the
    requests' text is printed or written but what --show asks for. Costs of
    models that were not asked are estimates from the bench's outcomes.
    """
    import json

    from llmroute.cli.console import say
    from llmroute.report.shadow.forms import shadow_document
    from llmroute.report.shadow.view import build_shadow_view
    from llmroute.router import Router
    from llmroute.shadowing import prepare_accountant, shadow_log

    _check_suffixes(output or ())
    traffic = reading.read_volume(volume)
    place = find_map(routing_map, config)
    router = Router.load(place)
    accountant = prepare_accountant(
        router.routing_map,
        prices=reading.read_prices(prices) or {},
        lengths=_bench_outcomes(place),
        results=_outcomes(outcomes or (), keep_text=bool(judge)),
        aliases=read_aliases(alias or ()),
    )
    found = shadow_log(
        replace(
            reading.open_logs(
                log, log_format, score_field=score_field, propensity_field=propensity_field
            ),
            keep_answers=bool(judge),
        ),
        router,
        accountant,
        show=show,
        pairs=judge_sample if judge else 0,
        seed=seed,
    )
    judged = None
    if judge:
        from llmroute.cli.shadow_judge import judge_found

        settings = reading.read_config(config)
        judged = judge_found(settings, found, judge, rubric, max_usd, yes=yes, quiet=as_json)
    view = build_shadow_view(found, traffic, judged)
    document = shadow_document(found, traffic, judged)
    for path in output or ():
        _write(path, found, view, document)
    if as_json:
        typer.echo(json.dumps(document, indent=2))
    else:
        _print(found, view)
    if output:
        say("Wrote " + ", ".join(map(str, output)))
    return 0 if judged is None else judged.exit_code


def read_aliases(pairs: Sequence[str]) -> dict[str, str]:
    """The log's name → candidate.

    Raises:
        ConfigError: one of them is not of the form NAME=CANDIDATE.
    """
    from llmroute.errors import ConfigError

    aliases = {}
    for pair in pairs:
        name, sign, candidate = pair.rpartition("=")
        if not sign or not name or not candidate:
            raise ConfigError(f"{pair!r} is no alias", where="--alias", fix="Write NAME=CANDIDATE.")
        aliases[name] = candidate
    return aliases


def _bench_outcomes(place: Path) -> Outcomes | None:
    """The outcomes `bench` wrote beside the map, for how long candidates' answers are."""
    from llmroute.cli.console import say
    from llmroute.cli.outputs import OUTCOMES_FILE

    path = place.with_name(OUTCOMES_FILE)
    if path.is_file():
        return _outcomes([path])
    say(f"{path} is not there: costs of models that were not asked are the bench's means.")
    return None


def _outcomes(paths: Sequence[Path], *, keep_text: bool = False) -> Outcomes | None:
    from llmroute.outcomes.files import read_outcomes

    return read_outcomes(paths, keep_text=keep_text) if paths else None


def _check_suffixes(paths: Sequence[Path]) -> None:
    from llmroute.errors import ConfigError

    for path in paths:
        if path.suffix not in SUFFIXES:
            raise ConfigError(
                f"no form has the suffix of {path.name!r}",
                where="--output",
                fix=f"Use one of {', '.join(SUFFIXES)}.",
            )


def _write(path: Path, found: Shadow, view: ShadowView, document: Mapping[str, Any]) -> None:
    import json

    from llmroute.files import atomic_write
    from llmroute.report.shadow.forms import render_csv, render_markdown

    forms = {
        ".md": lambda: render_markdown(view),
        ".csv": lambda: render_csv(found),
        ".json": lambda: json.dumps(document, indent=2) + "\n",
    }
    atomic_write(path, forms[path.suffix]())


def _print(found: Shadow, view: ShadowView) -> None:
    from llmroute.cli.console import print_table, show_text
    from llmroute.report.shadow.view import span_text

    show_text(view.headline)
    if span := span_text(found):
        show_text(f"Requests of {span}.")
    for section in view.sections:
        if section.table is None and not section.lines:
            continue
        show_text(f"\n{section.title}")
        if section.table is not None:
            rows = section.table.rows[:MOST_ROWS]
            print_table(section.table.columns, rows, right=section.table.right)
            _say_more(len(section.table.rows) - len(rows))
        for line in section.lines[:MOST_ROWS]:
            show_text(line)
        _say_more(len(section.lines) - MOST_ROWS)


def _say_more(left: int) -> None:
    from llmroute.cli.console import show_text

    if left > 0:
        show_text(f"{left:,} more, in -o FILE.md and --json")
