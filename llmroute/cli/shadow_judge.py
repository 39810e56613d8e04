"""What `llmroute shadow --judge` asks of judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from llmroute.cli import reading

if TYPE_CHECKING:
    from llmroute.records import Config
    from llmroute.shadow_judging import JudgedPairs
    from llmroute.shadowing import Shadow


def judge_found(
    settings: Config,
    found: Shadow,
    judges: Sequence[str],
    rubric: str,
    max_usd: float | None,
    *,
    yes: bool,
    quiet: bool,
) -> JudgedPairs | None:
    """What the judges say of both answers; None where a person has said no to the price."""
    import os

    from llmroute.cli.bench import must_ask
    from llmroute.cli.plan import confirm
    from llmroute.cli.progress import RunProgress
    from llmroute.judges.load import load_rubric
    from llmroute.report.amounts import counted
    from llmroute.shadow_judging import estimate_bout, judge_pairs, plan_bout

    if max_usd is not None:
        cap = reading.read_cap(max_usd)
        settings = replace(settings, budget=replace(settings.budget, max_usd=cap))
    bout = plan_bout(
        settings,
        load_rubric(rubric, root=settings.folder),
        found.pairs,
        os.environ,
        judges=judges,
        n_eligible=found.n_pairs,
    )
    if must_ask(yes) and not confirm(estimate_bout(settings, bout), settings.budget.confirm_usd):
        return None
    n = len(found.pairs)
    what = f"both answers to {counted(n, 'request')}: up to {2 * n:,} verdicts"
    with RunProgress(quiet=quiet, what=what) as progress:
        return judge_pairs(settings, bout, env=os.environ, listener=progress)
