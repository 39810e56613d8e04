"""Answers → judge calls → verdicts → scores; a judge is two functions around an ordinary call."""

JUDGE_PREFIX = "judge:"
"""Before a judge's name where it stands beside candidates, of whom one may be called the same."""
