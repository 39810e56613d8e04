"""What the words of a verdict mean, and the rule behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.report.amounts import bar_text, share_text

if TYPE_CHECKING:
    from llmroute.records import QualityRule, QualityThreshold

SYMBOLS = {"proven": "✓", "likely": "≈", "undecided": "?", "fails": "✗", "fallback": "↩"}
"""What stands for a verdict beside its word, so that colour is never all there is."""

MEANINGS = {
    "proven": "the lower bound clears the bar, corrected for the number of candidates",
    "likely": "the mean clears the bar, the lower bound clears it less the margin",
    "undecided": "the mean clears the bar, but too few samples say so; or nothing was scored",
    "fails": "the mean is below the bar, or too few calls carry a score",
    "fallback": "no candidate qualifies, so the reference answers",
}


def rule_sentence(rule: QualityRule) -> str:
    """The rule the routes were chosen by, in words."""
    chosen = {
        "proven": "the cheapest candidate proven to clear the bar",
        "likely": "the cheapest candidate that likely clears the bar",
        "mean": "the cheapest candidate whose mean clears the bar, without further evidence",
    }[rule.evidence]
    return (
        f"{chosen[0].upper()}{chosen[1:]}: bar {threshold_text(rule.threshold)}, one-sided bounds "
        f"at {share_text(rule.confidence)} confidence, margin {rule.margin:g}, "
        f"coverage at least {share_text(rule.min_coverage)}."
    )


def threshold_text(threshold: QualityThreshold) -> str:
    """The bar as it was written.

    >>> from llmroute.records import QualityThreshold
    >>> threshold_text(QualityThreshold(0.95, "best"))
    '95% of the best'
    """
    if threshold.relative_to is None:
        return bar_text(threshold.value)
    return f"{share_text(threshold.value)} of the {threshold.relative_to}"
