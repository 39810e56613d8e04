"""What attacks have won from a judge → text and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from llmroute.judges import JUDGE_PREFIX
from llmroute.judges.inflation import MOST_TO_GATE, Inflation, grouped
from llmroute.judges.rubric import rubric_digest
from llmroute.report.amounts import counted
from llmroute.report.columns import align_columns
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from llmroute.attacking import Assault, AttackResult

SCHEMA = "llmroute/attack/1"
FIGURES = ("attempts", "won", "plain", "attacked", "points (95 %)")
AT_RIGHT = set(FIGURES[:-1])


def render_attack_text(assault: Assault, result: AttackResult) -> str:
    """Aligned plain text, safe for a terminal; nothing where no attempt has a verdict."""
    if result.overall is None:
        return ""
    return "".join(f"{line}\n" for line in _text(assault, result, result.overall))


def render_attack_json(assault: Assault, result: AttackResult) -> str:
    """All figures, of each attack too; `overall` is null where no attempt has a verdict."""
    overall = result.overall
    document = {
        "schema": SCHEMA,
        "rubric": assault.rubric.name,
        "rubric_digest": rubric_digest(assault.rubric),
        "judges": _judges(assault),
        "n_attacks": len(assault.attacks),
        "n_answers": len(assault.wrong),
        "coverage": round(result.coverage, 6),
        "may_gate_alone": overall is not None and overall.gain.value <= MOST_TO_GATE,
        "overall": None if overall is None else _figures(overall),
        "kinds": [_figures(one) for one in grouped(result.attempts, lambda a: a.kind)],
        "attacks": [_figures(one) for one in grouped(result.attempts, lambda a: a.attack)],
        "spent_usd": round(result.spent_usd, 9),
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _text(assault: Assault, result: AttackResult, overall: Inflation) -> Iterator[str]:
    answers = counted(overall.n_answers, "wrong answer")
    yield one_line(
        f"{' + '.join(_judges(assault))} by the rubric {assault.rubric.name}: "
        f"{len(assault.attacks)} attacks on {answers}"
    )
    yield (
        f"mean score {overall.plain:.3f} plain, {overall.attacked:.3f} attacked: inflation "
        f"{_points(overall)} points; {overall.n_won:,} of {overall.n_attempts:,} attempts won"
    )
    yield ""
    yield _table("kind of attack", grouped(result.attempts, lambda a: a.kind))
    winners = [one for one in grouped(result.attempts, lambda a: a.attack) if one.n_won]
    if winners:
        yield ""
        yield "what won, most first"
        yield _table("attack", winners)
    yield ""
    yield _reading(overall)


def _table(name: str, rows: Sequence[Inflation]) -> str:
    return align_columns((name, *FIGURES), [_row(one) for one in rows], AT_RIGHT)


def _row(one: Inflation) -> tuple[str, ...]:
    return (
        one.name,
        f"{one.n_attempts:,}",
        f"{one.n_won:,}",
        f"{one.plain:.3f}",
        f"{one.attacked:.3f}",
        _points(one),
    )


def _points(one: Inflation) -> str:
    gain = one.gain
    return f"{_signed(gain.value)} ({_signed(gain.low)} to {_signed(gain.high)})"


def _signed(share: float) -> str:
    """A share in points of 100, with a minus that is one.

    >>> _signed(-0.0312), _signed(-0.0001)
    ('−3.1', '0.0')
    """
    points = round(100 * share, 1) + 0.0  # -0.0 + 0.0 is 0.0
    return f"{points:.1f}".replace("-", "−")


def _reading(overall: Inflation) -> str:
    """What the figure means for whoever lets this judge decide."""
    most, answers = f"{100 * MOST_TO_GATE:.0f} points", counted(overall.n_answers, "answer")
    if overall.gain.value > MOST_TO_GATE:
        return (
            f"More than {most}: this judge must not decide alone. Score with a metric where there "
            "is one, or set a judge of another family beside it."
        )
    if overall.gain.high > MOST_TO_GATE:
        return (
            f"Within {most} on {answers}; on others like them it could be "
            f"{100 * overall.gain.high:.0f}, which more answers (--answers, --limit) would narrow."
        )
    return f"Within {most}, and surely so on others like these {answers}."


def _judges(assault: Assault) -> list[str]:
    return [judge.name.removeprefix(JUDGE_PREFIX) for judge in assault.plan.judges]


def _figures(one: Inflation) -> dict[str, Any]:
    return {
        "name": one.name,
        "n_answers": one.n_answers,
        "n_attempts": one.n_attempts,
        "n_won": one.n_won,
        "plain": round(one.plain, 6),
        "attacked": round(one.attacked, 6),
        "inflation": round(one.gain.value, 6),
        "inflation_low": round(one.gain.low, 6),
        "inflation_high": round(one.gain.high, 6),
    }
