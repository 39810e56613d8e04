"""Outcomes → Comparison: what each candidate is worth on each task, and how sure that is."""
