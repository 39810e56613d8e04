"""Figures of a change → the words a finding says them in."""

from __future__ import annotations

from llmroute.records import Shift


def shift_words(shift: Shift) -> str:
    """How far a quality moved and how surely.

    >>> shift_words(Shift(-0.0712, 0.0031, 120))
    'by −0.071 (120 samples in pairs, p 0.003)'
    >>> shift_words(Shift(0.01, 0.7, None))
    'by +0.010 (intervals compared, p 0.70)'
    """
    how = "intervals compared" if shift.n_paired is None else f"{shift.n_paired} samples in pairs"
    sign = "−" if shift.difference < 0 else "+"
    return f"by {sign}{abs(shift.difference):.3f} ({how}, {p_words(shift.p_value)})"


def p_words(p_value: float) -> str:
    """A p-value with one or two figures that count.

    >>> p_words(0.0004), p_words(0.0234), p_words(0.31)
    ('p < 0.001', 'p 0.023', 'p 0.31')
    """
    if p_value < 0.001:
        return "p < 0.001"
    return f"p {p_value:.3f}" if p_value < 0.1 else f"p {p_value:.2f}"
