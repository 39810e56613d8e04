"""The interchange form: one prompt's scores under every candidate, and answers recorded earlier."""

from __future__ import annotations

from llmroute.outcomes.collect import collect_outcomes
from llmroute.outcomes.files import read_outcomes, write_outcomes
from llmroute.outcomes.recording import RecordedKey, read_recording, write_recording

__all__ = [
    "RecordedKey",
    "collect_outcomes",
    "read_outcomes",
    "read_recording",
    "write_outcomes",
    "write_recording",
]
