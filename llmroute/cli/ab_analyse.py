"""`llmroute ab analyse`: what came of an A/B test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmroute.cli import options as opt
from llmroute.cli import reading
from llmroute.cli.ab_options import Alpha, AsJson, Power, Sequential, read_share
from llmroute.cli.errors import command

if TYPE_CHECKING:
    from llmroute.ab.critical import Looks


@command
def analyse(
    log: opt.Log,
    arm_field: Annotated[
        str,
        typer.Option("--arm-field", metavar="NAME", help="Where a request says its arm; a.b too."),
    ] = "arm",
    control: Annotated[
        str, typer.Option("--control", metavar="NAME", help="What the arm field holds there.")
    ] = "control",
    treatment: Annotated[
        str, typer.Option("--treatment", metavar="NAME", help="What the arm field holds there.")
    ] = "treatment",
    key_field: Annotated[
        str | None,
        typer.Option(
            "--key-field", metavar="NAME", help="Whose a request is; requests of one are a cluster."
        ),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option("--margin", metavar="LOSS", help="Give a verdict: is the loss below this?"),
    ] = None,
    share: Annotated[
        float, typer.Option("--share", metavar="SHARE", help="Of the keys that were to be treated.")
    ] = 0.5,
    alpha: Alpha = 0.05,
    power: Power = 0.8,
    start: Annotated[
        str | None,
        typer.Option(
            "--start", metavar="TIME", help="Requests before it are the pre-period (CUPED)."
        ),
    ] = None,
    sequential: Sequential = False,
    tuned_at: Annotated[
        float,
        typer.Option(
            "--tuned-at", metavar="KEYS", help="--sequential: tightest here; as planned.", min=2
        ),
    ] = 5000.0,
    prices: opt.PriceFile = None,
    log_format: opt.LogFormat = "auto",
    score_field: opt.ScoreField = "score",
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit with 1 unless the verdict is non-inferior.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Compare the arms of an A/B test in a log: quality, cost and latency, each with an interval.

    Arms that are not as large as planned are refused (sample ratio mismatch).
    Exit code 0 with whatever answer; 1 only with --gate.
    """
    from llmroute.ab.critical import AnyTime, Once
    from llmroute.ab.gather import Fields
    from llmroute.errors import ConfigError
    from llmroute.logs.values import read_time_s

    if gate and margin is None:
        raise ConfigError("--gate has nothing to decide by", fix="Name a margin: --margin 0.03.")
    if start is not None and key_field is None:
        raise ConfigError(
            "--start needs to know whose a request is",
            fix="Name the field: --key-field user.",
        )
    fields = Fields(
        arm=arm_field,
        key=key_field,
        control=control,
        treatment=treatment,
        start_s=read_time_s(start, "--start", "the command line"),
    )
    looks: Looks = AnyTime(alpha, tuned_at) if sequential else Once(alpha)
    named = None if margin is None else read_share(margin, "--margin", above=0.0)
    expected = read_share(share, "--share", above=0.0, below=1.0)
    document = _analyse(
        reading.open_logs(log, log_format, score_field=score_field),
        fields,
        reading.read_prices(prices) or {},
        {"looks": looks, "margin": named, "share": expected, "power": power},
        as_json=as_json,
    )
    return int(gate and document != "non_inferior")


def _analyse(log: Any, fields: Any, prices: Any, question: dict[str, Any], *, as_json: bool) -> str:
    """Print the analysis; what it concludes."""
    import json
    from dataclasses import asdict

    from llmroute.ab.analyse import Question
    from llmroute.ab.analyse import analyse as analyse_arms
    from llmroute.ab.critical import AnyTime
    from llmroute.ab.gather import gather
    from llmroute.cli.console import print_table, show_text
    from llmroute.logs.pricing import Prices
    from llmroute.report import ab as view

    gathered = gather(log.requests(), fields, Prices(prices))
    analysis = analyse_arms(gathered.observations, Question(**question))
    looks = question["looks"]
    anytime = isinstance(looks, AnyTime)
    if as_json:
        asked = {**question, "looks": {**asdict(looks), "sequential": anytime}}
        typer.echo(json.dumps(view.analysis_document(analysis, gathered, asked), indent=2))
        return analysis.verdict.conclusion
    keyed = fields.key is not None
    show_text(f"{view.analysis_headline(analysis, keyed=keyed)}\n")
    table = view.delta_table(analysis.deltas)
    if table is not None:
        print_table(table.columns, table.rows, right=table.right)
        show_text("")
    for line in view.analysis_lines(analysis, gathered, looks.alpha, anytime=anytime, keyed=keyed):
        show_text(line)
    return analysis.verdict.conclusion
