"""Calibration → its story in sentences, for whoever decides."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from llmroute.calibration.curve import NEVER_STRONG
from llmroute.calibration.risk import in_words
from llmroute.report.amounts import counted, quality_text, share_text
from llmroute.report.sanitize import one_line
from llmroute.shipping import direct_threshold

if TYPE_CHECKING:
    from llmroute.calibrating import AnswerSide, Calibration
    from llmroute.calibration.threshold import OperatingPoint

NAME_CHARS = 60

ROUTER_CURVE = (
    "Each prompt was scored by a router that had not seen it. What needs no learning is drawn"
    " beside it: a curve that is not above all of it is not worth running."
)
CASCADE_CURVE = (
    "Each answer was scored by a cascade that had not seen its prompt. The query router, and what"
    " needs no learning, are drawn beside it. Dollars count both calls where both are made."
)
ROUTER_PROOF = (
    "APGR is the share of the quality gap between the two models that is recovered, averaged over"
    " all shares of strong calls; random routing has 0.5."
)
CASCADE_PROOF = (
    f"{ROUTER_PROOF} At equal $ it is averaged over all budgets, both calls counted: there a random"
    " mix of the two models has 0.5, and strong calls on top of weak ones at random have less."
)


def cost_note(calibration: Calibration) -> str:
    """Why there is no chart of dollars, where there is none."""
    policy = calibration.policy
    if policy.sweep().known_costs:
        return "Both models cost the same here: there is no chart of quality against dollars."
    unknown = [
        one_line(name, NAME_CHARS)
        for name, costs in (
            (policy.pair.weak, policy.pair.weak_costs_usd),
            (policy.pair.strong, policy.strong_alone_usd),
        )
        if np.isnan(costs).any()
    ]
    return (
        f"What {' and '.join(unknown)} cost{'s' if len(unknown) == 1 else ''} is not known, so"
        " there is no chart of quality against dollars, and nothing is said of savings. --prices"
        " FILE gives prices."
    )


def steps_note(calibration: Calibration) -> str:
    """How to read the table of thresholds."""
    told = (
        "Intervals are 95%, of the threshold as it is; loss and saved are against always asking"
        f" {_names(calibration)[1]}."
    )
    if calibration.answers is None or calibration.answers.direct is None:
        return told
    return (
        f"{told} They are of what goes straight to strong at the chosen target; calibrated to"
        " another, a combined policy chooses that anew, and may do a little better."
    )


def headline(calibration: Calibration) -> str:
    """What to do, what it costs and what it gives; or that nothing is to be done."""
    point, answers = calibration.point, calibration.answers
    weak, strong = _names(calibration)
    if not calibration.shipped or point is None:
        what = (
            f"No query router is worth running between {weak} and {strong}"
            if answers is None
            else f"No cascade from {weak} to {strong} is worth running"
        )
        return f"{what}: the static routing map stays."
    return f"{_order(calibration, point)}: {_effect(calibration, point)}"


def _names(calibration: Calibration) -> tuple[str, str]:
    pair = calibration.pair
    return one_line(pair.weak, NAME_CHARS), one_line(pair.strong, NAME_CHARS)


def _order(calibration: Calibration, point: OperatingPoint) -> str:
    weak, strong = _names(calibration)
    share = point.strong_share.value
    if not looks_at_answers(calibration):
        return f"Send {share_text(share)} of the queries to {strong} and the rest to {weak}"
    straight = straight_share(calibration)
    if not straight:
        return (
            f"Ask {weak} first, and {strong} too where the answer does not hold up, on"
            f" {share_text(share)} of the queries"
        )
    again = share_text(max(0.0, share - straight))
    return (
        f"Send {share_text(straight)} of the queries straight to {strong}, ask {weak} first for the"
        f" rest, and {strong} too for {again} whose answer does not hold up"
    )


def _effect(calibration: Calibration, point: OperatingPoint) -> str:
    best = calibration.proof.summary.strong_quality.value
    saved = ""
    if point.saving is not None:
        saved = f"{_saving(point.saving.value)} than {_names(calibration)[1]} alone, "
    return f"{saved}quality {quality_text(point.quality.value)} instead of {quality_text(best)}."


def _saving(share: float) -> str:
    return f"{share_text(abs(share))} {'cheaper' if share >= 0 else 'dearer'}"


def looks_at_answers(calibration: Calibration) -> bool:
    """Whether the threshold leaves any answer to be looked at: a combined policy may not."""
    point = calibration.point
    return calibration.answers is not None and (point is None or point.threshold <= 1)


def straight_share(calibration: Calibration) -> float:
    """Of a combined policy, the share of queries that the weak model is not asked."""
    answers = calibration.answers
    if answers is None or answers.direct is None or direct_threshold(calibration) >= NEVER_STRONG:
        return 0.0
    return float(answers.direct.rows.mean())


def details(calibration: Calibration) -> list[str]:
    """How it was found out, what exactly decides, and what is promised."""
    point, answers = calibration.point, calibration.answers
    lines = [_method(calibration)]
    if point is not None and calibration.shipped:
        lines.append(_rule(calibration, point))
    if answers is not None:
        lines += [_prices(answers), *_instead(calibration, answers)]
    if point is not None and point.certificate is not None:
        lines.append(in_words(point.certificate))
    if calibration.unmet:
        lines.append(f"The target could not be met either: {one_line(calibration.unmet)}.")
    return lines


def _method(calibration: Calibration) -> str:
    summary, wish, answers = calibration.proof.summary, calibration.wish, calibration.answers
    by = f" (chosen by {wish.router})" if calibration.router != wish.router else ""
    name = f"Router {calibration.router}{by}"
    if answers is not None:
        name = f"Cascade {answers.escalator.name} beside router {calibration.router}{by}"
    seen = f"{counted(summary.n, 'prompt')}, {summary.n_groups:,} of them distinct"
    line = f"{name}: {seen}, each scored by one that had not seen it."
    if answers is not None and answers.n_without_answer:
        left = counted(answers.n_without_answer, "prompt")
        line += f" {left} without a kept answer left out."
    return line


def _rule(calibration: Calibration, point: OperatingPoint) -> str:
    strong = one_line(calibration.pair.strong)
    if calibration.answers is None:
        return (
            f"strong_win_rate >= {point.threshold:.6g} goes to {strong}, and so does a prompt"
            " unlike the ones it learned from."
        )
    unlike = "a prompt unlike the ones it learned from"
    direct = direct_threshold(calibration)
    if direct >= NEVER_STRONG:
        return (
            f"escalation_score >= {point.threshold:.6g} asks {strong} too; {unlike} goes straight"
            " to it."
        )
    straight = (
        f"strong_win_rate >= {direct:.6g} (router {calibration.router}) goes straight to {strong},"
        f" and so does {unlike}"
    )
    if not looks_at_answers(calibration):
        return f"{straight}. At this target no answer is looked at."
    asks = f"escalation_score >= {point.threshold:.6g} asks it too"
    return f"{straight}; of the other answers, {asks}."


def _prices(answers: AnswerSide) -> str:
    """Where the cascade pays, and where these prices are."""
    even, ratio = answers.break_even_ratio, answers.price_ratio
    if not isfinite(even):
        found = "at no price ratio up to 1,000"
    elif even <= 1:
        found = "at every price ratio"
    else:
        found = f"where a strong call costs {even:.3g} times a weak one or more"
    here = "" if ratio is None or not isfinite(ratio) else f"; here it costs {ratio:.3g} times"
    return f"At equal dollars the cascade beats the query router {found}{here}."


def _instead(calibration: Calibration, answers: AnswerSide) -> list[str]:
    """What another policy may do better."""
    combined = calibration.wish.policy == "combined"
    lines = []
    if combined and not straight_share(calibration):
        lines.append("At this target no prompts are better sent straight to the strong model.")
    if calibration.shipped:
        return lines
    if answers.router_ships:
        lines.append("The query router alone is worth running: calibrate with --policy router.")
    if not combined and calibration.proof.dollars:
        lines.append("--policy combined saves the weak call where the prompt says enough.")
    return lines


def score_text(calibration: Calibration, row: int) -> str:
    """One row's score by its name."""
    score, answers = float(calibration.scores[row]), calibration.answers
    if answers is None:
        return f"strong_win_rate {score:.3f}"
    if score > 1:
        return f"strong_win_rate {float(answers.rates[row]):.3f}"
    return f"escalation_score {score:.3f}"
