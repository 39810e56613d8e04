"""A judge's scores of all answers × people's labels of some → the quality people would find.

A judge's mean is not the quality: it is wrong by what the judge is wrong, and no number of judged
answers mends that. A few labels do. Two estimators, and when each is used:

- PPI++ (`predict_powered`) where the cell's own labels are worth `MIN_OWN_LABELS`. Nothing is
  assumed but that its labelled answers were drawn as their weights say.
- Rogan–Gladen (`rogan_gladen`) where it has fewer, all scores and labels are 0 or 1, and the labels
  of the task's candidates together hold `MIN_CLASS_LABELS` right and as many wrong answers. It
  assumes that the judge errs alike on everybody's answers; where the labels say otherwise
  (`errs_alike`) it is not used.

Anything else stays as the judge says, and the reason is given.
"""

from __future__ import annotations

import numpy as np

from llmroute.analysis.judged import Corrected, Judged, independent_of
from llmroute.analysis.predict_powered import predict_powered
from llmroute.analysis.rogan_gladen import errs_alike, rogan_gladen

MIN_OWN_LABELS = 20
"""Independent labels of one candidate from which on its cell is corrected by them alone."""
MIN_CLASS_LABELS = 30
"""Labelled right answers, and wrong ones, of a task from which on Rogan–Gladen is used."""
MAX_RELATIVE_ERROR = 0.25
"""Largest standard error of q₀ + q₁ − 1, relative to itself, at which it may be divided by."""


def correct(cell: Judged, task: Judged) -> Corrected | str:
    """The cell's corrected quality, or why there is none, as a clause.

    Args:
        cell: one candidate's answers.
        task: all candidates' answers, the cell's included.
    """
    own = independent_of(cell.label_weights, cell.clusters)
    if own >= MIN_OWN_LABELS:
        return predict_powered(cell)
    few = f"only {int(cell.labelled.sum())} of its own answers are labelled"
    if not task.right_or_wrong:
        return f"{few}, and graded scores need {MIN_OWN_LABELS}"
    right = float(np.nansum(task.labels))
    wrong = float(task.labelled.sum()) - right
    if min(right, wrong) < MIN_CLASS_LABELS:
        return (
            f"{few}, and of the task's {right:.0f} right and {wrong:.0f} wrong ones "
            f"({MIN_OWN_LABELS}, or {MIN_CLASS_LABELS} each, are needed)"
        )
    if not errs_alike(cell, task):
        return f"{few}, and on them the judge errs otherwise than on other candidates'"
    found = rogan_gladen(cell, task)
    if found.relative_error > MAX_RELATIVE_ERROR:
        return f"{few}, and the judge hardly tells right answers from wrong ones"
    return found
