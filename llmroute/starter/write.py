"""What was found → the text of llmroute.yaml and of a starter suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from llmroute.starter.detect import LocalServer

SUGGESTED: Mapping[str, tuple[str, ...]] = {
    "openai": ("openai/gpt-5.4-nano", "openai/gpt-5.4-mini", "openai/gpt-5.4"),
    "anthropic": (
        "anthropic/claude-haiku-4-5",
        "anthropic/claude-sonnet-4-6",
        "anthropic/claude-opus-4-6",
    ),
    "gemini": ("gemini/gemini-2.5-flash-lite", "gemini/gemini-2.5-flash", "gemini/gemini-2.5-pro"),
    "mistral": ("mistral/mistral-small-latest", "mistral/mistral-large-latest"),
}
"""Provider → models from cheap to dear; those LiteLLM's table does not know are left out."""

MOST_LOCAL = 4
TEMPLATES = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidates of a first configuration."""

    lines: tuple[str, ...]
    """YAML lines under `candidates:`."""
    reference: str | None


def choose_candidates(
    keys: Mapping[str, str],
    servers: Sequence[LocalServer],
    is_known: Callable[[str], bool],
) -> Choice:
    """Candidates for the keys and servers that were found; the builtin programs as the floor.

    Args:
        keys: provider → variable that is set.
        servers: model servers on this machine.
        is_known: whether LiteLLM's table prices a model.
    """
    lines: list[str] = []
    reference = None
    for provider, variable in keys.items():
        known = [model for model in SUGGESTED.get(provider, ()) if is_known(model)]
        if known:
            reference = reference or known[-1]
            lines += [f"  - {model}" for model in known]
        else:
            lines.append(f"  # {variable} is set: `llmroute models {provider}` lists its models")
    for server in servers:
        lines.append(f"  # {server.program} on this machine; state what its hour costs you")
        lines += [_local_line(server, model) for model in server.models[:MOST_LOCAL]]
    lines.append("  - builtin/rules    # a program, not a model: the floor a model must beat")
    return Choice(tuple(lines), reference)


def _local_line(server: LocalServer, model: str) -> str:
    entry = {
        "model": f"{server.provider}/{model}",
        "name": model,
        "api_base": server.api_base,
        "price": {"usd_per_hour": 0.5},
    }
    text = yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, width=1000)
    return f"  - {text.strip()}"


def config_text(choice: Choice) -> str:
    """The text of a first llmroute.yaml."""
    reference = (
        f"reference: {choice.reference}"
        if choice.reference
        else "# reference: NAME       # the candidate you pay for today"
    )
    template = (TEMPLATES / "llmroute.yaml.txt").read_text(encoding="utf-8")
    return template.format(candidates="\n".join(choice.lines), reference=reference)


def suite_text() -> str:
    """The text of a starter suite."""
    return (TEMPLATES / "my_task.yaml").read_text(encoding="utf-8")
