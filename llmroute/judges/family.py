"""Model id → who made the model: a judge favours its own family's answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from llmroute.judges import JUDGE_PREFIX
from llmroute.records import Candidate

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "openai": ("gpt-", "chatgpt", "o1", "o3", "o4", "openai"),
    "anthropic": ("claude", "anthropic"),
    "google": ("gemini", "gemma", "palm", "google"),
    "meta": ("llama", "meta"),
    "mistral": ("mistral", "mixtral", "ministral", "codestral", "magistral"),
    "qwen": ("qwen", "qwq"),
    "deepseek": ("deepseek",),
}


def family_of(model: str) -> str | None:
    """Who made a model, from its id through whatever provider prefix, or None.

    >>> family_of("openrouter/anthropic/claude-sonnet-4"), family_of("bedrock/meta.llama3-70b")
    ('anthropic', 'meta')
    >>> family_of("azure/gpt-4o"), family_of("builtin/rules")
    ('openai', None)
    """
    for part in reversed(model.lower().replace(":", "/").split("/")):
        for family, names in FAMILIES.items():
            if any(word.startswith(names) for word in part.split(".")):
                return family
    return None


def family_warnings(judges: Iterable[Candidate], candidates: Iterable[Candidate]) -> list[str]:
    """One sentence for each judge that would grade answers of its own family."""
    found = []
    of_candidates = [(one.name, family_of(one.model)) for one in candidates]
    for judge in judges:
        family = family_of(judge.model)
        own = [name for name, other in of_candidates if family is not None and other == family]
        if own:
            found.append(
                f"The judge {judge.name.removeprefix(JUDGE_PREFIX)} is of the same family as "
                f"{', '.join(own)}, and judges favour their own; a judge of another family would "
                "be fairer."
            )
    return found
