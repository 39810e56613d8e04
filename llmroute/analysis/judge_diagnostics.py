"""Judged outcomes → what sways their judge beside the answers' worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from llmroute.analysis.distributions import student_t_quantile
from llmroute.analysis.intervals import Floats
from llmroute.analysis.judged import sums
from llmroute.judges.family import family_of
from llmroute.judges.recorded import PANEL_MEMBER
from llmroute.records import PANEL, Interval, JudgeDiagnosis, JudgeEvidence, Outcome

MAX_LENGTH_SLOPE = 0.05
"""A score that changes by more than this with each doubling of the length hangs on the length."""


def diagnose(
    task: str, rows: Sequence[Outcome], evidence: JudgeEvidence, models: Mapping[str, str]
) -> JudgeDiagnosis:
    """What sways the judge of one task.

    Args:
        task: its name.
        rows: its judged outcomes.
        evidence: what is known of the judge.
        models: candidate → model id, where it is not its name.
    """
    scored = [row for row in rows if row.score is not None]
    families = sorted({family for judge in evidence.judges if (family := family_of(judge))})
    own = {row.candidate for row in scored if _family(row, models) in families}
    return JudgeDiagnosis(
        task=task,
        evidence=evidence,
        families=tuple(families),
        own_candidates=tuple(sorted(own)),
        length_slope=length_slope(scored),
        own_family=own_family_delta(scored, families, own),
    )


def _family(row: Outcome, models: Mapping[str, str]) -> str | None:
    return family_of(models.get(row.candidate, row.candidate))


def length_slope(rows: Sequence[Outcome]) -> Interval | None:
    """How much the score changes with each doubling of an answer's length, within a candidate.

    Least squares on log₂ length after each candidate's means are taken out, so that a candidate
    that is longer and better does not make the judge look partial; standard errors by sample or
    group (Liang & Zeger, Biometrika 73, 1986), 95 %. None where lengths do not vary.
    """
    known = [(row, length) for row in rows if (length := _length(row)) > 0]
    x = np.log2(np.array([length for _, length in known] or [1], dtype=np.float64))
    y = np.array([row.score for row, _ in known] or [0.0], dtype=np.float64)
    who = np.unique([row.candidate for row, _ in known] or [""], return_inverse=True)[1]
    x, y = x - _means(x, who)[who], y - _means(y, who)[who]
    spread = float(x @ x)
    if len(known) < 10 or spread < 1e-9:
        return None
    slope = float(x @ y) / spread
    return _interval(slope, x * (y - slope * x) / spread, [row for row, _ in known])


def own_family_delta(
    rows: Sequence[Outcome], families: Sequence[str], own: set[str]
) -> Interval | None:
    """How much better the judge finds its own family's answers than others do, beyond how much
    better it finds everybody's.

    Others are people where they labelled, else the panel's judges of other families. None where
    neither is there, or no candidate, or every one, is of the family.
    """
    errors = [(row, error) for row in rows if (error := _error(row, families)) is not None]
    mine = np.array([row.candidate in own for row, _ in errors])
    if len(errors) < 10 or not mine.any() or mine.all():
        return None
    e = np.array([error for _, error in errors])
    ours, theirs = float(e[mine].mean()), float(e[~mine].mean())
    of_row = np.where(mine, (e - ours) / mine.sum(), -(e - theirs) / (~mine).sum())
    return _interval(ours - theirs, of_row, [row for row, _ in errors])


def _error(row: Outcome, families: Sequence[str]) -> float | None:
    if row.labels and row.score is not None:
        return row.score - float(np.mean(list(row.labels.values())))
    votes = {n.removeprefix(PANEL_MEMBER): v for n, v in row.parts.items() if _is_vote(n)}
    mine = [vote for judge, vote in votes.items() if family_of(judge) in families[:1]]
    others = [vote for judge, vote in votes.items() if family_of(judge) not in families[:1]]
    return float(np.mean(mine) - np.mean(others)) if mine and others else None


def _is_vote(name: str) -> bool:
    return name.startswith(PANEL_MEMBER) and PANEL not in name


def _length(row: Outcome) -> int:
    """Tokens of the answer, or its words where nobody counted."""
    return row.usage.output_tokens or len((row.output or "").split())


def _means(values: Floats, groups: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Floats:
    return sums(values, groups) / np.bincount(groups)


def _interval(value: float, influence: Floats, rows: Sequence[Outcome]) -> Interval | None:
    """Two-sided at 95 %, by sums of influences over samples or groups."""
    names = [row.cluster for row in rows]
    clusters = np.unique(names, return_inverse=True)[1]
    g = int(clusters.max()) + 1
    if g < 3:
        return None
    variance = float((sums(influence, clusters) ** 2).sum()) * g / (g - 1)
    spread = student_t_quantile(0.975, g - 1) * variance**0.5
    return Interval(value, value - spread, value + spread)


def warnings_of(found: JudgeDiagnosis, max_flip_rate: float) -> tuple[str, ...]:
    """What a reader of its scores must know, as sentences."""
    evidence, said = found.evidence, []
    who = " + ".join(evidence.judges)
    if not evidence.calibrated and evidence.n_labels == 0:
        said.append(f"{found.task}: judge {who} is uncalibrated: nobody has labelled its answers.")
    slope = found.length_slope
    if slope is not None and abs(slope.value) > MAX_LENGTH_SLOPE and slope.low * slope.high > 0:
        said.append(
            f"{found.task}: {who} gives {slope.value:+.3f} ({slope.low:+.3f} to {slope.high:+.3f}) "
            "for every doubling of an answer's length."
        )
    delta = found.own_family
    if delta is not None and delta.low > 0:
        said.append(
            f"{found.task}: {who} favours its own family ({', '.join(found.own_candidates)}) by "
            f"{delta.value:.3f} ({delta.low:.3f} to {delta.high:.3f})."
        )
    elif delta is None and found.own_candidates:
        names = ", ".join(found.own_candidates)
        said.append(f"{found.task}: {who} judges answers of its own family ({names}).")
    if (evidence.flip_rate or 0.0) > max_flip_rate:
        said.append(
            f"{found.task}: {who} is unfit to compare: {evidence.flip_rate:.0%} of its verdicts "
            "turn when the answers change places."
        )
    if evidence.unreadable_share > 0.02:
        share = f"{evidence.unreadable_share:.0%}"
        said.append(f"{found.task}: {share} of {who}'s verdicts cannot be read.")
    return tuple(said)
