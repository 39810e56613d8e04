"""What a new user already has: provider keys by name, and model servers on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LOCAL_SERVERS = (
    ("Ollama", "ollama", "http://127.0.0.1:11434/v1"),
    ("vLLM", "hosted_vllm", "http://127.0.0.1:8000/v1"),
    ("llama.cpp", "openai", "http://127.0.0.1:8080/v1"),
    ("LM Studio", "lm_studio", "http://127.0.0.1:1234/v1"),
)
"""Program, LiteLLM provider, address it listens on unless told otherwise."""

TIMEOUT_S = 0.5
MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A model server that answered."""

    program: str
    provider: str
    api_base: str
    models: tuple[str, ...]


def find_keys(env: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """Provider → its variable, for those that are set; values are never read out.

    >>> find_keys({"OPENAI_API_KEY": "x"}, {"openai": "OPENAI_API_KEY", "xai": "XAI_API_KEY"})
    {'openai': 'OPENAI_API_KEY'}
    """
    return {provider: name for provider, name in variables.items() if env.get(name)}


def find_servers(
    places: Sequence[tuple[str, str, str]] = LOCAL_SERVERS,
) -> tuple[LocalServer, ...]:
    """The model servers on loopback that list their models within half a second."""
    return asyncio.run(_find_servers(places))


async def _find_servers(places: Sequence[tuple[str, str, str]]) -> tuple[LocalServer, ...]:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        found = await asyncio.gather(*(_ask(session, *place) for place in places))
    return tuple(server for server in found if server is not None)


async def _ask(session: object, program: str, provider: str, api_base: str) -> LocalServer | None:
    import json

    import aiohttp

    assert isinstance(session, aiohttp.ClientSession)  # noqa: S101 - keeps aiohttp out of imports
    try:
        async with session.get(f"{api_base}/models", allow_redirects=False) as response:
            document = json.loads(await response.content.read(MOST_BYTES))
            models = tuple(str(entry["id"]) for entry in document["data"])
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
        return None
    return LocalServer(program, provider, api_base, models) if models else None
