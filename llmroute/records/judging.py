"""What people say of answers, and how far a judge of them can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmroute.records.interval import Interval

Correction = Literal["rogan_gladen", "ppi"]
"""How people's labels correct a judge's mean: by its errors on the task, or on the cell itself."""


@dataclass(frozen=True, slots=True)
class Label:
    """What one person, or one judge, says of an answer, or of two beside each other."""

    task: str
    sample_id: str
    candidate: str
    rater: str
    score: float
    """In [0, 1]; beside a rival: 1 the candidate's answer is better, 0 the rival's, 0.5 a tie."""
    repeat: int = 0
    rival: str | None = None
    """The other candidate, where two answers were compared."""
    weight: float = 1.0
    """How many answers it stands for: one over the chance of having been drawn for labelling."""
    group: str | None = None
    """Labels of one group (one prompt, one document) are not independent."""
    answer_digest: str | None = None
    """Of the answer that was read, so that a later one does not inherit the label."""
    where: str = ""
    """File and line, for messages."""


@dataclass(frozen=True, slots=True)
class JudgeEvidence:
    """Who judged the answers to a task, and how far that can be trusted."""

    judges: tuple[str, ...]
    """Several are a panel."""
    rubric: str | None
    calibrated: bool
    """Whether people's labels correct its scores; else it is taken at its word: no proof."""
    reason: str
    """Why it is not calibrated, or what corrects it, as a clause."""
    n_labels: int
    """Answers of the task that people labelled."""
    agreement: Interval | None = None
    """Krippendorff's α of the judge and people."""
    ceiling: Interval | None = None
    """The same among people, where two or more labelled the same answers."""
    flip_rate: float | None = None
    """Share of comparisons that turn when the answers change places; None: nothing is compared."""
    unreadable_share: float = 0.0
    """Share of the answers it was asked about whose verdict cannot be read."""
    effective_votes: float | None = None
    """What a panel is worth in independent judges; None: one judge, or not known."""
    correction: Correction | None = None
    """By which estimator the quality is corrected."""


@dataclass(frozen=True, slots=True)
class JudgeDiagnosis:
    """What sways a task's judge beside the answers' worth."""

    task: str
    evidence: JudgeEvidence
    families: tuple[str, ...]
    """Who made the judges, as far as their ids tell."""
    own_candidates: tuple[str, ...]
    """Candidates of the same families."""
    length_slope: Interval | None
    """Change of the score with each doubling of an answer's length, within a candidate."""
    own_family: Interval | None
    """How much better it finds its own family's answers than others find them."""
