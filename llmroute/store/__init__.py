"""What was paid for, on disk: answers by the content of their request, scores, failures and runs.

Running the same bench again *is* resuming it: `StoreReader.answered` says what need not be asked.
"""

from __future__ import annotations

from llmroute.store.manifest import (
    RunManifest,
    RunState,
    candidate_from_json,
    candidate_to_json,
    installed_versions,
    new_run_id,
    secrets_of,
    utc_text,
    without_credentials,
    without_secrets,
)
from llmroute.store.prune import Removed
from llmroute.store.reader import StoreReader, StoreStats
from llmroute.store.suites import suite_hash
from llmroute.store.verify import Health, TableHealth, salvage_store, verify_store
from llmroute.store.writer import StoreWriter

__all__ = [
    "Health",
    "Removed",
    "RunManifest",
    "RunState",
    "StoreReader",
    "StoreStats",
    "StoreWriter",
    "TableHealth",
    "candidate_from_json",
    "candidate_to_json",
    "installed_versions",
    "new_run_id",
    "salvage_store",
    "secrets_of",
    "suite_hash",
    "utc_text",
    "verify_store",
    "without_credentials",
    "without_secrets",
]
