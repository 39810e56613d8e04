"""Summary × rule → verdict: proven, likely, undecided or fails."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from llmroute.analysis.intervals import Floats, lower_bound, upper_bound
from llmroute.analysis.judging import MAX_FLIP_RATE
from llmroute.analysis.summary import Summary
from llmroute.errors import failure_words
from llmroute.records import Evidence, Interval, QualityRule, Verdict

MOST_SAMPLES = 1_000_000
"""Beyond so many further samples a cell is better called undecidable."""


_MEETS: Mapping[Evidence, frozenset[Verdict]] = {
    "proven": frozenset({"proven"}),
    "likely": frozenset({"proven", "likely"}),
    "mean": frozenset({"proven", "likely", "undecided"}),
}


def meets_evidence(verdict: Verdict, evidence: Evidence) -> bool:
    """Whether a verdict is sure enough for a route.

    >>> meets_evidence("likely", "likely"), meets_evidence("likely", "proven")
    (True, False)
    """
    return verdict in _MEETS[evidence]


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar of one task in the units of quality."""

    value: float
    share: float | None = None
    """Relative bars: the share of a rival's quality that must be reached."""
    rivals: tuple[Summary, ...] = ()
    """Relative bars: whom the candidate is compared with, sample by sample. Against the best,
    that is everyone: who is best is not known either, and must not be taken from the same data."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rule says of one candidate on one task."""

    verdict: Verdict
    reason: str
    low: float | None
    high: float | None
    difference: Interval | None
    samples_needed: int | None


def decide(summary: Summary, bar: Bar, rule: QualityRule, n_compared: int) -> Decision:
    """The candidate's verdict under DESIGN's rule.

    q ≥ bar and L(corrected) ≥ bar: proven. q ≥ bar and L ≥ bar − margin: likely. q ≥ bar
    otherwise: undecided. q < bar: fails. A cell with too little coverage never clears.

    Args:
        summary: the candidate's counts and scores.
        bar: what it must reach; a relative bar is tested on paired differences.
        rule: confidence, margin and least coverage.
        n_compared: candidates of the task; "proven" divides its error among them (Bonferroni).
    """
    quality = summary.quality
    if quality is None:
        return Decision("undecided", _nothing_scored(summary), None, None, None, None)
    low, high = _low(summary, rule.confidence), _high(summary, rule.confidence)
    test = _test_against(summary, bar, rule, n_compared)
    verdict, reason = _believed(summary, bar, *_verdict(summary, quality, bar, rule, test))
    needed = _samples_needed(summary, rule, test) if verdict == "undecided" else None
    return Decision(verdict, reason, low, high, test.difference, needed)


def _low(summary: Summary, confidence: float) -> float:
    """One-sided lower bound of the quality; the corrected one carries the judge's errors too."""
    if summary.corrected is not None:
        return summary.corrected.low(confidence)
    return lower_bound(summary.clusters, confidence, summary.cluster_weights)


def _high(summary: Summary, confidence: float) -> float:
    if summary.corrected is not None:
        return summary.corrected.high(confidence)
    return upper_bound(summary.clusters, confidence, summary.cluster_weights)


@dataclass(frozen=True, slots=True)
class _Test:
    """How far the estimate and its bounds are above the bar."""

    above: float
    low: float
    low_corrected: float
    difference: Interval | None


def _test_against(summary: Summary, bar: Bar, rule: QualityRule, n_compared: int) -> _Test:
    above = (summary.quality or 0.0) - bar.value
    levels = rule.confidence, rule.corrected(n_compared)
    if bar.share is None:
        low, low_corrected = (_low(summary, level) - bar.value for level in levels)
        return _Test(above, low, low_corrected, None)
    if any(one.corrected is not None for one in (summary, *bar.rivals)):
        return _apart(summary, bar, above, levels)
    pairs = [
        _scaled_differences(summary, rival, bar.share)
        for rival in bar.rivals
        if rival.candidate != summary.candidate
    ]
    if not pairs:  # the reference against a share of itself: nothing to doubt
        return _Test(above, above, above, None)
    return _weakest(above, pairs, bar.share, levels)


def _apart(summary: Summary, bar: Bar, above: float, levels: tuple[float, float]) -> _Test:
    """The bar tested on bounds of both qualities, where labels correct one and nothing is paired.

    Half of the error each: L − share·U holds whatever binds the two (Bonferroni).
    """
    rivals = [rival for rival in bar.rivals if rival.candidate != summary.candidate]
    if not rivals:
        return _Test(above, above, above, None)
    share = bar.share or 0.0

    def low(level: float) -> float:
        each = (1 + level) / 2
        return _low(summary, each) - share * max(_high(rival, each) for rival in rivals)

    return _Test(above, low(levels[0]), low(levels[1]), None)


def _scaled_differences(summary: Summary, rival: Summary, share: float) -> Floats:
    """s − share·s_rival over the samples both have, moved from [−share, 1] to [0, 1]."""
    both = sorted(summary.scores.keys() & rival.scores.keys())
    differences = np.array([summary.scores[i] - share * rival.scores[i] for i in both])
    return np.clip((differences + share) / (1 + share), 0.0, 1.0)


def _weakest(
    above: float, pairs: Sequence[Floats], share: float, levels: tuple[float, float]
) -> _Test:
    """The comparison that is least sure, by bounds valid for bounded data.

    Every comparison must hold, so the weakest decides and no correction is owed between them
    (Berger's intersection-union test, Technometrics 24, 1982).
    """

    def unscaled(scaled: float) -> float:
        return scaled * (1 + share) - share

    lows = [unscaled(lower_bound(pair, levels[0])) for pair in pairs]
    low, pair = min(zip(lows, pairs, strict=True), key=lambda item: item[0])
    if not pair.size:
        return _Test(above, low, low, None)
    corrected = low if low < 0 else min(unscaled(lower_bound(p, levels[1])) for p in pairs)
    high = unscaled(upper_bound(pair, levels[0]))
    return _Test(above, low, corrected, Interval(unscaled(float(pair.mean())), low, high))


def _believed(summary: Summary, bar: Bar, verdict: Verdict, reason: str) -> tuple[Verdict, str]:
    """The verdict, as far as a judge without people's labels can be believed.

    It may be as wrong as it likes on any number of answers, so nothing is proven by it; and a judge
    whose comparisons turn with the order says nothing that could clear a bar.
    """
    judges = [one.judge for one in (summary, *bar.rivals) if one.judge is not None]
    alone = [judge for judge in judges if not judge.calibrated]
    if not alone or verdict not in ("proven", "likely"):
        return verdict, reason
    unfit = [judge for judge in alone if (judge.flip_rate or 0.0) > MAX_FLIP_RATE]
    if unfit:
        turned = f"{unfit[0].flip_rate:.0%} of its comparisons turn when the answers change places"
        return "undecided", f"{reason}, but the judge is unfit: {turned}"
    if verdict == "proven":
        return "likely", f"{reason} by an uncalibrated judge, which proves nothing"
    return verdict, f"{reason}, by an uncalibrated judge"


def _verdict(
    summary: Summary, quality: float, bar: Bar, rule: QualityRule, test: _Test
) -> tuple[Verdict, str]:
    at = f"quality {quality:.3f}{_as_corrected(summary)}"
    needs = f"the bar {bar.value:.3f}"
    if test.above < 0:
        return "fails", f"{at} is below {needs}"
    if summary.coverage < rule.min_coverage:
        return "undecided", f"{at}, but {_coverage_clause(summary)}"
    if test.low_corrected >= 0:
        return "proven", f"{at}, surely above {needs}"
    if test.low >= -rule.margin:
        return "likely", f"{at}, at worst {max(0.0, -test.low):.3f} below {needs}"
    return "undecided", f"{at}, but it could be {-test.low:.3f} below {needs}"


def _as_corrected(summary: Summary) -> str:
    found, scored = summary.corrected, summary.scored_quality
    if found is None or scored is None:
        return ""
    return f" (the judge's {scored:.3f}, corrected by {found.n_labels} labels)"


def _coverage_clause(summary: Summary) -> str:
    return f"only {summary.n_scored} of {summary.n_planned} calls are scored ({_failures(summary)})"


def _nothing_scored(summary: Summary) -> str:
    return f"nothing was scored ({_failures(summary) or 'no calls'})"


def _failures(summary: Summary) -> str:
    return ", ".join(f"{n} {failure_words(kind)}" for kind, n in summary.failures.items())


def _samples_needed(summary: Summary, rule: QualityRule, test: _Test) -> int | None:
    """Further samples after which the bound would clear, were the estimate to stay as it is.

    None where it is labels that are wanted: no further sample makes a judge better known.
    """
    if summary.coverage < rule.min_coverage or rule.evidence == "mean":
        return None
    proven = rule.evidence == "proven"
    if summary.judge is not None and (summary.judge.calibrated or proven):
        return None
    slack = test.above + (0.0 if proven else rule.margin)
    width = test.above - (test.low_corrected if proven else test.low)
    if slack <= 0:
        return None
    n = summary.clusters.size
    enough = n * (width / slack) ** 2
    further = max(1, math.ceil(enough) - n)
    return further if further <= MOST_SAMPLES else None
