"""Outcomes of a weak and a strong model → a query router, its threshold, and the proof of both."""
