"""Observations × question → Analysis: is the experiment sound, and what does it say?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from llmroute.ab.critical import Looks, Once
from llmroute.ab.deltas import Delta, deltas_of
from llmroute.ab.observations import Arm, Observations
from llmroute.analysis.distributions import anytime_binomial_p_value, binomial_p_value
from llmroute.errors import InputError

Conclusion = Literal["non_inferior", "inferior", "undecided", "not_asked", "not_scored", "unsound"]

MISMATCH_ALPHA = 0.001
"""Arms whose sizes are less likely than this were not assigned as planned (Fabijan et al.,
"Diagnosing sample ratio mismatch in online controlled experiments", KDD 2019, §3)."""
MOST_MIXED = 0.01
"""Share of keys seen in both arms beyond which nothing is concluded."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of an experiment."""

    looks: Looks
    margin: float | None = None
    """The loss of mean quality that would still be accepted; None: no verdict is asked for."""
    share: float = 0.5
    """Of the keys that were to be treated."""
    power: float = 0.8
    """With which an undecided test is to be settled."""


@dataclass(frozen=True, slots=True)
class RatioCheck:
    """Whether the arms are as large as they were planned to be."""

    expected: float
    observed: float
    p_value: float

    @property
    def is_sound(self) -> bool:
        """No mismatch is seen."""
        return self.p_value >= MISMATCH_ALPHA


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is concluded, and why."""

    conclusion: Conclusion
    reason: str
    keys_needed: int | None = None
    """Undecided: so many more, both arms together, would settle it at the present difference."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """An experiment's answer."""

    control: Arm
    treatment: Arm
    ratio: RatioCheck
    mixed_keys: int
    deltas: tuple[Delta, ...]
    """None at all where the experiment is not sound: nothing may be read from it."""
    verdict: Verdict


def analyse(observations: Observations, question: Question) -> Analysis:
    """Check the arms' sizes, then compare them.

    Raises:
        InputError: an arm has fewer than two keys.
    """
    for arm in (observations.control, observations.treatment):
        _check_size(arm)
    ratio = check_ratio(observations, question)
    flaw = _flaw(observations, ratio)
    deltas = () if flaw else tuple(deltas_of(observations, question.looks))
    return Analysis(
        control=observations.control,
        treatment=observations.treatment,
        ratio=ratio,
        mixed_keys=observations.mixed_keys,
        deltas=deltas,
        verdict=Verdict("unsound", flaw) if flaw else _verdict(deltas, observations, question),
    )


def check_ratio(observations: Observations, question: Question) -> RatioCheck:
    """The treated share of the keys beside the planned one, tested for one look or for any."""
    treated = observations.treatment.n_keys
    n = observations.control.n_keys + treated
    test = binomial_p_value if isinstance(question.looks, Once) else anytime_binomial_p_value
    return RatioCheck(question.share, treated / n, test(treated, n, question.share))


def _check_size(arm: Arm) -> None:
    if arm.n_keys < 2:
        held = "no key" if arm.n_keys == 0 else f"a single key ({arm.keys.size:,} requests)"
        raise InputError(
            f"arm {arm.name!r} has {held}: what one key does says nothing about the others",
            fix="Wait for more, or name the field that tells users apart: --key-field.",
        )


def _flaw(observations: Observations, ratio: RatioCheck) -> str | None:
    keys = observations.control.n_keys + observations.treatment.n_keys
    if observations.mixed_keys > MOST_MIXED * (keys + observations.mixed_keys):
        return (
            f"{observations.mixed_keys:,} keys were seen in both arms, more than"
            f" {MOST_MIXED:.0%} of them: the arms are not separate"
        )
    if ratio.is_sound:
        return None
    return (
        f"{ratio.observed:.2%} of the keys were treated where {ratio.expected:.2%} were planned"
        f" (p = {ratio.p_value:.1g}): keys went missing from an arm, or were not assigned at random"
    )


def _verdict(deltas: tuple[Delta, ...], observations: Observations, question: Question) -> Verdict:
    if question.margin is None:
        return Verdict("not_asked", "no margin is named")
    quality = next((delta for delta in deltas if delta.name == "quality"), None)
    if quality is None:
        return Verdict("not_scored", "the requests carry no scores in both arms")
    found, margin = quality.difference, question.margin
    if found.low > -margin:
        better = ", and better" if found.low > 0 else ""
        return Verdict("non_inferior", f"a loss beyond {margin:g} is ruled out{better}")
    if found.high < -margin:
        return Verdict("inferior", f"a loss beyond {margin:g} is sure")
    keys = observations.control.n_keys + observations.treatment.n_keys
    return Verdict(
        "undecided",
        f"the loss may be more than {margin:g}, or less",
        _keys_needed(quality, keys, question),
    )


def _keys_needed(quality: Delta, keys: int, question: Question) -> int | None:
    """Further keys at which the present difference would be on one side with the power.

    None where it stands on the margin itself. The standard error falls with √keys.
    """
    room = abs(quality.difference.value + (question.margin or 0.0))
    if room <= 0 or quality.standard_error <= 0:
        return None
    z = question.looks.critical(keys) + NormalDist().inv_cdf(question.power)
    return max(1, math.ceil(keys * (z * quality.standard_error / room) ** 2) - keys)
