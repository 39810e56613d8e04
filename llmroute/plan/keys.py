"""Candidates and judges → nothing, where every one of them has its key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmroute.calls.keys import missing_key
from llmroute.errors import ConfigError
from llmroute.records import Candidate


def check_keys(candidates: Sequence[Candidate], env: Mapping[str, str], *, otherwise: str) -> None:
    """Nothing, where no key is missing.

    Args:
        candidates: who would be called.
        env: where keys are found.
        otherwise: what a person may do who has no key, as a clause.

    Raises:
        ConfigError: keys are missing; the message names every variable to set.
    """
    missing: dict[str, list[str]] = {}
    for candidate in candidates:
        variable = missing_key(candidate, env)
        if variable is not None:
            missing.setdefault(variable, []).append(candidate.name)
    if not missing:
        return
    lines = [f"  export {variable}=…    # {', '.join(who)}" for variable, who in missing.items()]
    raise ConfigError(
        f"no key for {', '.join(name for who in missing.values() for name in who)}; "
        "nothing was sent",
        fix=f"Set it, or {otherwise}:\n" + "\n".join(lines),
    )
