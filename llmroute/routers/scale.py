"""Expected gap ⇄ strong_win_rate, and the rows a router may learn from."""

from __future__ import annotations

import numpy as np

from llmroute.calibration.pair import Floats, Pair
from llmroute.errors import InputError


def win_rates(gaps: Floats) -> Floats:
    """(1 + gap) / 2, kept in [0, 1].

    >>> win_rates(np.array([-1.0, 0.0, 0.5, 3.0])).tolist()
    [0.0, 0.5, 0.75, 1.0]
    """
    rates: Floats = np.clip((1 + gaps) / 2, 0.0, 1.0)
    return rates


def learnable_gaps(pair: Pair) -> Floats:
    """The gaps of the pair, shape (n,).

    Raises:
        InputError: there is no row, or a score is missing.
    """
    if not len(pair):
        raise InputError(
            "a router cannot learn from nothing: no query has a score from both models",
            fix=f"Bench {pair.weak!r} and {pair.strong!r} on the same samples.",
        )
    gaps = pair.gaps
    if not bool(np.isfinite(gaps).all()):
        raise InputError(
            "a score is not a number", fix="Leave out the rows that a model has no score for."
        )
    return gaps
