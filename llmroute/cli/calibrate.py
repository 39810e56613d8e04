"""`llmroute calibrate`: a query router or a cascade between two models, proved or refused."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmroute.cli import charts as chart_options
from llmroute.cli import options as opt
from llmroute.cli import reading
from llmroute.cli.errors import command

if TYPE_CHECKING:
    from llmroute.calibrating import Calibration, Wish
    from llmroute.calibration.threshold import Target, TargetKind
    from llmroute.pipeline import Source
    from llmroute.report.calibration.view import CalibrationView
    from llmroute.report.columns import Table


class PolicyOption(StrEnum):
    """What decides who answers."""

    ROUTER = "router"
    CASCADE = "cascade"
    COMBINED = "combined"


DEFAULT_SHARE = 0.3
PAGE_FILE = "calibration.html"
DEFAULT_OUT = Path("llmroute-out")


@command
def calibrate(
    data: opt.Data = None,
    target_strong: Annotated[
        float | None,
        opt.target_strong(help="Share of the queries the strong model answers; default: 0.3."),
    ] = None,
    max_quality_loss: Annotated[
        float | None,
        typer.Option(
            "--max-quality-loss",
            metavar="LOSS",
            help="The most mean quality to lose, at --confidence: 0.02 for two points.",
        ),
    ] = None,
    max_usd_per_1k: Annotated[
        float | None,
        typer.Option(
            "--max-usd-per-1k", metavar="USD", help="The most that 1,000 requests may cost."
        ),
    ] = None,
    min_pgr: Annotated[
        float | None,
        typer.Option(
            "--min-pgr", metavar="SHARE", help="Share of the quality gap to recover at least."
        ),
    ] = None,
    knee: Annotated[
        bool, typer.Option("--knee", help="Where a further strong call stops paying off.")
    ] = False,
    confidence: opt.Confidence = None,
    asymmetry: Annotated[
        float | None,
        typer.Option(
            "--asymmetry",
            metavar="TIMES",
            help="How many times worse a missed target is than a strong call that was not needed;"
            " default: 19.",
        ),
    ] = None,
    weak: Annotated[str | None, opt.weak(help="Default: the map's cheapest route.")] = None,
    strong: Annotated[str | None, opt.strong(help="Default: the map's reference.")] = None,
    task: Annotated[
        str | None, typer.Option("--task", metavar="NAME", help="That task only; default: all.")
    ] = None,
    policy: Annotated[
        PolicyOption,
        typer.Option(
            "--policy",
            help="What decides: router, by the prompt; cascade, the weak model first and by its"
            " answer; combined, the hardest prompts straight to strong and a cascade of the rest.",
        ),
    ] = PolicyOption.ROUTER,
    router: Annotated[
        str,
        typer.Option(
            "--router",
            metavar="auto|NAME",
            help="auto compares routers and takes the simplest of the good ones. A cascade must"
            " beat it.",
        ),
    ] = "auto",
    embeddings: Annotated[
        str | None,
        typer.Option(
            "--embeddings",
            metavar="NAME",
            help="hashed, local:FOLDER, or a LiteLLM embedding model; default: none.",
        ),
    ] = None,
    prices: opt.PriceFile = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of folds, fits and resamples.")] = 0,
    run: opt.Run = None,
    config: opt.ConfigFile = None,
    store: opt.Store = None,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FOLDER", help="Where map, router and page go."),
    ] = DEFAULT_OUT,
    template: opt.Template = None,
    charts: chart_options.Charts = None,
    png: chart_options.Png = False,
    candidates: Annotated[
        str | None,
        typer.Option(
            "--candidates",
            metavar="A,B,C",
            help="Measure a choice among several, by quality and cost, instead of a pair."
            " Writes nothing.",
        ),
    ] = None,
    routellm_compat: Annotated[
        bool,
        typer.Option(
            "--routellm-compat", help="Also the figures as RouteLLM's own arithmetic has them."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures as JSON on stdout, nothing else.")
    ] = False,
) -> int:
    """Fit a query router or a cascade between two models, and prove it on your own outcomes.

    Which queries need the strong model, or which of the weak one's answers do not stand, at which
    threshold, and what that does to cost and quality. All figures are of prompts that were not
    learned from. What does not beat random routing and the static map is not shipped, nor a cascade
    that does not beat the query router at equal dollars: then the static map is written, and the
    exit code is 0 all the same.
    """
    from llmroute.calibrating import Wish
    from llmroute.calibration.threshold import ASYMMETRY
    from llmroute.cli.console import say
    from llmroute.pipeline import calibrate as run_calibration
    from llmroute.report.calibration.json_form import calibration_to_json
    from llmroute.report.calibration.view import build_calibration_view

    chart_folder = chart_options.read_charts(charts, png=png)
    wish = Wish(
        target=_target(
            {
                "target_strong": target_strong,
                "max_quality_loss": max_quality_loss,
                "max_usd_per_1k": max_usd_per_1k,
                "min_pgr": min_pgr,
            },
            knee=knee,
            confidence=reading.read_confidence(confidence),
        ),
        weak=weak,
        strong=strong,
        task=task,
        policy=policy.value,
        router=router,
        embedding=embeddings,
        asymmetry=ASYMMETRY if asymmetry is None else asymmetry,
        seed=seed,
    )
    source: Source = {
        "files": data or (),
        "store": None if data else reading.find_store(config, store),
        "run_id": run,
        "prices": reading.read_prices(prices),
    }
    if candidates is not None:
        names = _names(candidates, wish, charts)
        return _several(names, wish, source, as_json=as_json)
    calibration = run_calibration(wish, **source)
    view = build_calibration_view(calibration)
    templates = template or reading.closest_templates(config)
    written = _write(calibration, view, out, templates, chart_folder)
    if as_json:
        typer.echo(calibration_to_json(calibration), nl=False)
    else:
        _print(view, (view.compat,) if routellm_compat else ())
    say("Wrote " + ", ".join(str(path) for path in written))
    return 0


def _names(written: str, wish: Wish, charts: Path | None) -> list[str]:
    """The candidates, separated by commas.

    Raises:
        ConfigError: a pair, what is of a pair, or figures are asked for too.
    """
    from llmroute.errors import ConfigError

    if wish.weak or wish.strong or wish.policy != "router":
        raise ConfigError(
            "--candidates and a pair are both named"
            if wish.weak or wish.strong
            else f"--policy {wish.policy} is of a pair, and --candidates names several",
            fix="Name --weak and --strong, or --candidates.",
        )
    if charts is not None:
        raise ConfigError(
            "--candidates draws no figure, and --charts asks for some", fix="Leave one out."
        )
    return [name.strip() for name in written.split(",") if name.strip()]


def _several(names: list[str], wish: Wish, source: Source, *, as_json: bool) -> int:
    from llmroute.cli.console import print_table, show_text
    from llmroute.pipeline import compare_choices
    from llmroute.report.calibration.several import several_story, several_to_json, share_rows

    found = compare_choices(names, wish, **source)
    if as_json:
        typer.echo(several_to_json(found), nl=False)
        return 0
    for paragraph in several_story(found):
        show_text(f"{paragraph}\n")
    columns = ("Candidate", "Share", "Quality", "$/1k")
    print_table(columns, share_rows(found), right=(1, 2, 3))
    return 0


def _target(
    values: dict[TargetKind, float | None], *, knee: bool, confidence: float | None
) -> Target:
    """The one target asked for.

    Raises:
        ConfigError: there are several.
    """
    from llmroute.calibration.threshold import Target
    from llmroute.errors import ConfigError

    asked: list[tuple[TargetKind, float | None]] = [
        (kind, value) for kind, value in values.items() if value is not None
    ]
    if knee:
        asked.append(("knee", None))
    if len(asked) > 1:
        named = " and ".join(f"--{kind.replace('_', '-')}" for kind, _ in asked)
        raise ConfigError(f"{named} are two targets", fix="A threshold has one target: name one.")
    kind, value = asked[0] if asked else ("target_strong", DEFAULT_SHARE)
    return Target(kind, value, confidence or 0.95)


def _write(
    calibration: Calibration,
    view: CalibrationView,
    folder: Path,
    templates: Path | None,
    charts: chart_options.ChartFolder | None,
) -> list[Path]:
    """The page and the router, then the map that names it, and figures where they are wanted."""
    from llmroute.files import atomic_write
    from llmroute.report.calibration.html import calibration_figures, render_calibration
    from llmroute.routing_map.file import map_to_yaml
    from llmroute.shipping import save_calibration

    page = render_calibration(calibration, view, templates)
    routing_map, written = save_calibration(calibration, folder)
    atomic_write(folder / PAGE_FILE, page)
    atomic_write(folder / reading.MAP_FILE, map_to_yaml(routing_map))
    if charts:
        charts.write(calibration_figures(calibration, view.slider), templates)
    return [*written, folder / PAGE_FILE, folder / reading.MAP_FILE]


def _print(view: CalibrationView, further: Sequence[Table]) -> None:
    from llmroute.cli.console import print_table, show_text

    show_text(f"{view.headline}\n\n{view.reason}\n")
    for line in view.details:
        show_text(line)
    for table in (view.points, view.routers, *further):
        if table is not None:
            show_text("")
            print_table(table.columns, table.rows, right=table.right)
