"""An export in front of the loopback provider, asked through the real `litellm.Router`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def ask_litellm(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Loads a configuration into litellm.Router and asks a group these texts, one by one.

    What LiteLLM refuses stands among the answers.
    """
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    def ask(loaded: dict[str, Any], group: str, *texts: str) -> list[Any]:
        router = litellm.Router(model_list=loaded["model_list"], **loaded["router_settings"])

        async def call(text: str) -> Any:
            try:
                return await router.acompletion(
                    model=group, messages=[{"role": "user", "content": text}]
                )
            except (litellm.BadRequestError, litellm.RateLimitError) as error:
                return error

        async def calls() -> list[Any]:
            try:
                return [await call(text) for text in texts]
            finally:
                await litellm.close_litellm_async_clients()
                litellm.in_memory_llm_clients_cache.flush_cache()

        return asyncio.run(calls())

    return ask
