"""`llmroute ab plan`: how many requests an A/B test needs, and how long it takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmroute.cli import options as opt
from llmroute.cli.ab_options import Alpha, AsJson, Power, Sequential, read_share
from llmroute.cli.errors import command
from llmroute.cli.options import MapFile
from llmroute.cli.reading import find_map

if TYPE_CHECKING:
    from llmroute.ab.plan import Design, TestSize


@command
def plan(
    margin: Annotated[
        float,
        typer.Option(
            "--margin", metavar="LOSS", help="Loss of mean quality still accepted, such as 0.03."
        ),
    ],
    power: Power = 0.8,
    alpha: Alpha = 0.05,
    baseline_quality: Annotated[
        float | None,
        typer.Option("--baseline-quality", metavar="Q", help="Control's; default: from the map."),
    ] = None,
    difference: Annotated[
        float | None,
        typer.Option(
            "--difference",
            metavar="D",
            help="Treatment − control as expected; default: the map's loss, or 0.",
        ),
    ] = None,
    quality_sd: Annotated[
        float | None,
        typer.Option(
            "--quality-sd", metavar="SD", help="Of one score; default: of right or wrong ones."
        ),
    ] = None,
    routing_map: MapFile = None,
    config: opt.ConfigFile = None,
    ratio: Annotated[
        str, typer.Option("--ratio", metavar="T:C", help="Treated to control requests, as 1:9.")
    ] = "1:1",
    saving: Annotated[
        float | None,
        typer.Option("--saving", metavar="SHARE", help="Share of the cost to be seen saved too."),
    ] = None,
    cost_cv: Annotated[
        float,
        typer.Option("--cost-cv", metavar="CV", help="A request's cost: deviation ÷ mean.", min=0),
    ] = 1.0,
    per_key: Annotated[
        float,
        typer.Option("--requests-per-key", metavar="N", help="Requests of one user.", min=1),
    ] = 1.0,
    icc: Annotated[
        float,
        typer.Option("--icc", help="Correlation of one user's scores.", min=0, max=1),
    ] = 0.05,
    per_day: Annotated[
        float | None, typer.Option("--per-day", metavar="N", help="Requests a day.")
    ] = None,
    rps: Annotated[
        float | None, typer.Option("--rps", metavar="N", help="Requests a second.")
    ] = None,
    horizon: Annotated[
        float | None,
        typer.Option("--horizon", metavar="DAYS", help="Say what so many days can show."),
    ] = None,
    sequential: Sequential = False,
    as_json: AsJson = False,
) -> int:
    """Say how many requests an A/B test needs to show that quality holds, and how long it takes.

    One-sided non-inferiority: the power is that of the very bounds `llmroute
    ab analyse` takes. Nothing is called and nothing written.
    """
    from llmroute.ab.plan import Design, plan_test

    accepted = read_share(margin, "--margin", above=0.0)
    quality, expected = _expectation(
        baseline_quality, difference, lambda: find_map(routing_map, config)
    )
    design = Design(
        margin=accepted,
        baseline_quality=quality,
        power=power,
        alpha=alpha,
        difference=expected,
        quality_sd=quality_sd,
        ratio=_ratio(ratio),
        sequential=sequential,
        requests_per_key=per_key,
        icc=icc,
        cost_cv=cost_cv,
        saving=None if saving is None else read_share(saving, "--saving", above=0.0),
    )
    _print_plan(design, plan_test(design), _per_day(per_day, rps), horizon, as_json=as_json)
    return 0


def _print_plan(
    design: Design, size: TestSize, per_day: float | None, horizon: float | None, *, as_json: bool
) -> None:
    import json

    from llmroute.ab.plan import within
    from llmroute.cli.console import show_text
    from llmroute.errors import ConfigError
    from llmroute.report import ab as view

    if horizon is not None and per_day is None:
        raise ConfigError("--horizon needs the traffic", fix="Name --per-day or --rps.")
    found = within(design, int(horizon * per_day)) if horizon and per_day else None
    if as_json:
        typer.echo(json.dumps(view.plan_document(design, size, per_day, found), indent=2))
        return
    show_text(f"{view.plan_headline(design, size)}\n")
    for line in view.plan_lines(design, size):
        show_text(line)
    if per_day is not None:
        show_text(view.traffic_line(size, per_day))
    if found is not None and horizon is not None:
        show_text(view.horizon_line(design, found, horizon))
    share = design.ratio / (1 + design.ratio)
    show_text(
        f"\nllmroute ab assign --salt NAME --share {share:.4g} --key USER\n"
        f"llmroute ab analyse --log FILE --key-field user --share {share:.4g}"
        f" --margin {design.margin:g}"
        + (f" --sequential --tuned-at {size.control_keys + size.treatment_keys}"
           if design.sequential else "")
    )  # fmt: skip


def _expectation(
    quality: float | None, difference: float | None, find: Callable[[], Path]
) -> tuple[float, float]:
    """Control's quality and the expected difference, from the map where they are not named."""
    from llmroute.ab.expected import expect_qualities
    from llmroute.cli.console import say
    from llmroute.errors import ConfigError
    from llmroute.routing_map.file import read_map

    if quality is not None:
        return read_share(quality, "--baseline-quality"), difference or 0.0
    path = find()
    found = expect_qualities(read_map(path))
    if found is None:
        raise ConfigError(
            "the map does not say how good its reference is on every task",
            where=str(path),
            fix="Name the quality: --baseline-quality 0.85.",
        )
    loss = min(0.0, found.routed - found.reference)
    say(f"{path}: reference's quality {found.reference:.3f}, routes' {found.routed:.3f}")
    return found.reference, loss if difference is None else difference


def _ratio(text: str) -> float:
    """Treated keys a control key.

    Raises:
        ConfigError: it is no ratio.
    """
    from llmroute.errors import ConfigError

    treated, _, control = text.partition(":")
    try:
        ratio = float(treated) / float(control or 1)
    except (ValueError, ZeroDivisionError):
        ratio = -1.0
    if not 1e-6 <= ratio <= 1e6:
        raise ConfigError(f"{text!r} is no ratio", where="--ratio", fix="Write 1:9, or 0.5.")
    return ratio


def _per_day(per_day: float | None, rps: float | None) -> float | None:
    from llmroute.errors import ConfigError

    if per_day is not None and rps is not None:
        raise ConfigError("--per-day and --rps are both named", fix="Name one.")
    found = per_day if rps is None else rps * 86_400
    if found is not None and not 0 < found < 1e15:
        raise ConfigError(f"{found:g} requests a day is no traffic", where="--per-day")
    return found
