"""`llmroute ab`: plan an A/B test, assign its arms, analyse what came of it."""

from __future__ import annotations

import typer

from llmroute.cli import ab_analyse, ab_assign, ab_plan

app = typer.Typer(
    help="Prove the saving: plan an A/B test, assign its arms, analyse it.", no_args_is_help=True
)
app.command("plan")(ab_plan.plan)
app.command("assign")(ab_assign.assign)
app.command("analyse")(ab_analyse.analyse)
