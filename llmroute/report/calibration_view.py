"""Calibration → what a page or a terminal says of it, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from llmroute.report.amounts import UNKNOWN, counted, quality_text, share_text, usd_text
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from llmroute.calibrating import Calibration
    from llmroute.calibration.threshold import OperatingPoint
    from llmroute.records import Interval

MISROUTES = 20
PROMPT_CHARS = 280

CONTROL_WORDS = {
    "random": "strong calls at random",
    "length": "longest prompts to strong",
    "task_map": "the static map: one answer a task",
    "oracle": "perfect foresight: the ceiling",
    "shuffled": "the router on shuffled scores: what chance gives",
}


@dataclass(frozen=True, slots=True)
class Table:
    """Headings and cells as text; `right` are the columns of numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...]
    marked: int | None = None
    """The row that was chosen."""


@dataclass(frozen=True, slots=True)
class Misroute:
    """A query that went to the wrong model, from those the router was least sure of."""

    id: str
    task: str
    prompt: str
    strong_win_rate: str
    went_to: str
    weak_score: str
    strong_score: str
    what: str


@dataclass(frozen=True, slots=True)
class CalibrationView:
    """The story of a calibration."""

    shipped: bool
    headline: str
    reason: str
    details: tuple[str, ...]
    points: Table | None
    routers: Table
    misroutes: tuple[Misroute, ...]
    compat: Table
    """The exact figures beside those of RouteLLM's arithmetic."""


def build_calibration_view(calibration: Calibration) -> CalibrationView:
    """Everything a reader is told, in the order of the page."""
    return CalibrationView(
        shipped=calibration.shipped,
        headline=_headline(calibration),
        reason=calibration.proof.shipping.reason,
        details=tuple(_details(calibration)),
        points=None if calibration.point is None else _points(calibration.point),
        routers=_routers(calibration),
        misroutes=_misroutes(calibration),
        compat=_compat(calibration),
    )


def _headline(calibration: Calibration) -> str:
    pair, point = calibration.pair, calibration.point
    weak, strong = one_line(pair.weak, 60), one_line(pair.strong, 60)
    if not calibration.shipped or point is None:
        return (
            f"No query router is worth running between {weak} and {strong}:"
            " the static routing map stays."
        )
    best = calibration.proof.summary.strong_quality.value
    saved = "" if point.saving is None else f"{_saving(point.saving.value)} than {strong} alone, "
    return (
        f"Send {share_text(point.strong_share.value)} of the queries to {strong} and the rest to"
        f" {weak}: {saved}quality {quality_text(point.quality.value)} instead of"
        f" {quality_text(best)}."
    )


def _saving(share: float) -> str:
    return f"{share_text(abs(share))} {'cheaper' if share >= 0 else 'dearer'}"


def _details(calibration: Calibration) -> list[str]:
    point, summary, wish = calibration.point, calibration.proof.summary, calibration.wish
    by = f" (chosen by {wish.router})" if calibration.router != wish.router else ""
    seen = f"{counted(summary.n, 'prompt')}, {summary.n_groups:,} of them distinct"
    lines = [f"Router {calibration.router}{by}: {seen}, each scored by one that had not seen it."]
    if point is not None and calibration.shipped:
        lines.append(
            f"strong_win_rate >= {point.threshold:.6g} goes to {one_line(calibration.pair.strong)},"
            " and so does a prompt unlike the ones it learned from."
        )
    if point is not None and point.certificate is not None:
        from llmroute.calibration.risk import in_words

        lines.append(in_words(point.certificate))
    if calibration.unmet:
        lines.append(f"The target could not be met either: {one_line(calibration.unmet)}.")
    return lines


def _points(point: OperatingPoint) -> Table:
    around = sorted((*point.neighbours, point), key=lambda one: one.strong_share.value)
    words = ["fewer strong calls", "more strong calls"]
    rows = []
    for one in around:
        fewer = one.strong_share.value < point.strong_share.value
        name = "chosen" if one is point else words[0 if fewer else 1]
        rows.append((name, f"{one.threshold:.4g}", *_figures(one)))
    columns = ("", "Threshold", "Strong", "Quality", "Loss", "$/1k", "Saved", "PGR")
    return Table(columns, tuple(rows), tuple(range(1, 8)), around.index(point))


def _figures(point: OperatingPoint) -> tuple[str, ...]:
    cost = point.cost_usd_per_1k
    return (
        _shares(point.strong_share),
        _numbers(point.quality),
        _numbers(point.quality_loss),
        UNKNOWN if cost is None else usd_text(cost.value),
        UNKNOWN if point.saving is None else _shares(point.saving),
        _numbers(point.pgr),
    )


def _numbers(interval: Interval) -> str:
    if np.isnan(interval.value):
        return UNKNOWN
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def _shares(interval: Interval) -> str:
    low, high = share_text(interval.low), share_text(interval.high)
    return f"{share_text(interval.value)} ({low} to {high})"


def _routers(calibration: Calibration) -> Table:
    """Routers and controls by APGR, the best first."""
    proof = calibration.proof
    words = {"auto": "router, chosen anew in each fold"}
    found = [(name, words.get(name, "router"), apgr) for name, apgr in proof.routers.items()]
    found += [(name, CONTROL_WORDS[name], apgr) for name, apgr in proof.controls.items()]
    found.sort(key=lambda row: -row[2].value)
    rows = tuple((name, _numbers(apgr), what) for name, what, apgr in found)
    asked = calibration.wish.router
    own = found.index((asked, words.get(asked, "router"), proof.routers[asked]))
    return Table(("Who decides", "APGR", "What it is"), rows, (1,), own)


def _compat(calibration: Calibration) -> Table:
    """Shares of strong calls in percent, as RouteLLM prints them; exact ones without a hull."""
    summary, theirs = calibration.proof.summary, calibration.proof.compat
    exact = (summary.apgr.value, 100 * summary.cpt50_raw.value, 100 * summary.cpt80_raw.value)
    rows = [("exact", *_compat_cells(exact))]
    if theirs is None:
        rows.append(("RouteLLM's", "its quantiles tie", UNKNOWN, UNKNOWN))
    else:
        figures = (theirs.apgr, 100 * theirs.cpt50, 100 * theirs.cpt80)
        rows.append(("RouteLLM's", *_compat_cells(figures)))
    return Table(("Arithmetic", "APGR", "CPT(50%)", "CPT(80%)"), tuple(rows), (1, 2, 3))


def _compat_cells(figures: tuple[float, float, float]) -> tuple[str, str, str]:
    apgr, half, most = figures
    return f"{apgr:.3f}", f"{half:.1f}%", f"{most:.1f}%"


def _misroutes(calibration: Calibration) -> tuple[Misroute, ...]:
    """Wrong decisions nearest to the threshold: lost answers and wasted calls."""
    point, pair = calibration.point, calibration.pair
    if point is None:
        return ()
    scores, gaps = calibration.scores, pair.gaps
    strong = scores >= point.threshold
    wrong = np.flatnonzero(np.where(strong, gaps < 0, gaps > 0))
    distance = np.abs(scores - point.threshold)[wrong]
    nearest = wrong[np.argsort(distance, kind="stable")][:MISROUTES]
    return tuple(_misroute(calibration, int(row), bool(strong[row])) for row in nearest)


def _misroute(calibration: Calibration, row: int, to_strong: bool) -> Misroute:
    pair = calibration.pair
    return Misroute(
        id=pair.ids[row],
        task=pair.queries[row].task or "",
        prompt=one_line(pair.queries[row].text, PROMPT_CHARS),
        strong_win_rate=f"{calibration.scores[row]:.3f}",
        went_to=pair.strong if to_strong else pair.weak,
        weak_score=quality_text(float(pair.weak_scores[row])),
        strong_score=quality_text(float(pair.strong_scores[row])),
        what="the weak model does better" if to_strong else "the strong model does better",
    )
