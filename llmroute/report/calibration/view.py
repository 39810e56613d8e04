"""Calibration → what a page or a terminal says of it, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from llmroute.report.amounts import UNKNOWN, quality_text, share_text, usd_text
from llmroute.report.calibration import words
from llmroute.report.calibration.reliability import read_reliability, reliability_words
from llmroute.report.calibration.slider import Slider, build_slider
from llmroute.report.calibration.tasks import TasksView, build_tasks
from llmroute.report.columns import Table
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from llmroute.calibrating import Calibration
    from llmroute.calibration.pair import Pair
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
    "auto": "router, chosen anew in each fold",
}
CASCADE_WORDS = {
    "cascade": "weak first, strong too where the answer does not hold up",
    "combined": "the hardest prompts straight to strong, a cascade of the rest",
    "auto": "the query router that would decide, chosen anew in each fold",
    "random_escalation": "weak first, strong too at random",
    "shuffled": "the cascade on shuffled scores: what chance gives",
}


@dataclass(frozen=True, slots=True)
class Misroute:
    """A query that went to the wrong model, from those the router was least sure of."""

    id: str
    task: str
    prompt: str
    answer: str
    """The weak model's; empty: not kept."""
    score: str
    """By its name: strong_win_rate or escalation_score."""
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
    curve_note: str
    cost_note: str
    """Why there is no chart of dollars, where there is none."""
    slider: Slider
    steps_note: str
    proof_note: str
    points: Table | None
    tasks: TasksView | None
    """None: no threshold meets the target."""
    scores_note: str
    """How far scores can be taken at their word."""
    routers: Table
    misroutes: tuple[Misroute, ...]
    compat: Table
    """The exact figures beside those of RouteLLM's arithmetic."""


def build_calibration_view(calibration: Calibration) -> CalibrationView:
    """Everything a reader is told, in the order of the page."""
    return CalibrationView(
        shipped=calibration.shipped,
        headline=words.headline(calibration),
        reason=calibration.proof.shipping.reason,
        details=tuple(words.details(calibration)),
        curve_note=words.ROUTER_CURVE if calibration.answers is None else words.CASCADE_CURVE,
        cost_note=words.cost_note(calibration),
        slider=build_slider(calibration),
        steps_note=words.steps_note(calibration),
        proof_note=words.ROUTER_PROOF if calibration.answers is None else words.CASCADE_PROOF,
        points=None if calibration.point is None else _points(calibration.point),
        tasks=build_tasks(calibration),
        scores_note=reliability_words(calibration, read_reliability(calibration)),
        routers=_routers(calibration),
        misroutes=_misroutes(calibration),
        compat=_compat(calibration),
    )


def _points(point: OperatingPoint) -> Table:
    around = sorted((*point.neighbours, point), key=lambda one: one.strong_share.value)
    sides = ["fewer strong calls", "more strong calls"]
    rows = []
    for one in around:
        fewer = one.strong_share.value < point.strong_share.value
        name = "chosen" if one is point else sides[0 if fewer else 1]
        rows.append((name, f"{one.threshold:.4g}", *_figures(one)))
    columns = ("Point", "Threshold", "Strong", "Quality", "Loss", "$/1k", "Saved", "PGR")
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
    """Who could decide, by APGR, the best first; of a cascade, at equal dollars too."""
    proof, wish = calibration.proof, calibration.wish
    told = CONTROL_WORDS if calibration.answers is None else CONTROL_WORDS | CASCADE_WORDS
    default = "router" if calibration.answers is None else "the query router that would decide"
    found = [(name, told.get(name, default), apgr) for name, apgr in proof.routers.items()]
    found += [(name, told[name], apgr) for name, apgr in proof.controls.items()]
    if calibration.answers is not None:
        again = "random_escalation"
        found.append((again, told[again], proof.controls["random"]))
    found.sort(key=lambda row: -row[2].value)
    asked = wish.router if calibration.answers is None else wish.policy
    own = [name for name, _, _ in found].index(asked)
    if calibration.answers is None:
        plain = tuple((name, _numbers(apgr), what) for name, what, apgr in found)
        return Table(("Who decides", "APGR", "What it is"), plain, (1,), own)
    rows = tuple(
        (name, _numbers(apgr), _dollars(calibration, name), what) for name, what, apgr in found
    )
    return Table(("Who decides", "APGR", "At equal $", "What it is"), rows, (1, 2), own)


def _dollars(calibration: Calibration, name: str) -> str:
    figure = calibration.proof.dollars.get(name)
    return UNKNOWN if figure is None else _numbers(figure)


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


def _answer(pair: Pair, row: int) -> str:
    answer = pair.weak_answers[row] if pair.weak_answers else None
    return "" if answer is None else one_line(answer, PROMPT_CHARS)


def _went_to(calibration: Calibration, row: int, to_strong: bool) -> str:
    pair = calibration.pair
    if not to_strong:
        return pair.weak
    straight = calibration.answers is None or calibration.scores[row] > 1
    return pair.strong if straight else f"{pair.weak}, then {pair.strong}"


def _misroute(calibration: Calibration, row: int, to_strong: bool) -> Misroute:
    pair = calibration.pair
    return Misroute(
        id=pair.ids[row],
        task=pair.queries[row].task or "",
        prompt=one_line(pair.queries[row].text, PROMPT_CHARS),
        answer=_answer(pair, row),
        score=words.score_text(calibration, row),
        went_to=_went_to(calibration, row, to_strong),
        weak_score=quality_text(float(pair.weak_scores[row])),
        strong_score=quality_text(float(pair.strong_scores[row])),
        what="the weak model does better" if to_strong else "the strong model does better",
    )
