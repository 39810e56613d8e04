"""LiteLLM proxy request → the model group the routing map names.

In the proxy's configuration (`llmroute export litellm --hook` writes it):

    litellm_settings:
      callbacks: [llmroute.integrations.litellm.hook]
    environment_variables: {LLMROUTE_MAP: /srv/llmroute/routing-map.yaml}

Then `model: "llmroute"`, `llmroute/TASK` and RouteLLM's `router-NAME-THRESHOLD` are decided by the
map, its query router included; every other model is none of its business. What was decided stands
in the response's headers (x-llmroute-task, -model, -layer, -score) and in the spend log's metadata.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from llmroute.errors import ConfigError, InputError
from llmroute.exporters.litellm import MAP_VARIABLE
from llmroute.integrations.asked import Routed, decide, read_model_name

if TYPE_CHECKING:
    from llmroute.integrations.live_map import LiveMap

    hook: Any

NOTE = "llmroute"
"""The key of the decision in a request's metadata."""


def __getattr__(name: str) -> Any:
    """`hook`, made when the proxy asks for it: only there is LiteLLM loaded already."""
    if name != "hook":
        raise AttributeError(name)
    from llmroute.integrations.live_map import LiveMap

    made = make_hook(LiveMap.open(map_path()))
    globals()["hook"] = made
    return made


def map_path() -> Path:
    """The map that LLMROUTE_MAP names, or the one in the current folder.

    Raises:
        ConfigError: there is none.
    """
    named = os.environ.get(MAP_VARIABLE)
    places = (
        [Path(named)]
        if named
        else [Path("routing-map.yaml"), Path("llmroute-out/routing-map.yaml")]
    )
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise ConfigError(
            "there is no routing map here",
            where=str(places[0]),
            fix=f"Name it in the proxy's environment: {MAP_VARIABLE}=/path/to/routing-map.yaml",
        )
    return found.resolve()


def make_hook(live: LiveMap) -> Any:
    """A LiteLLM callback that lets this map decide."""
    from litellm.integrations.custom_logger import CustomLogger

    class MapHook(CustomLogger):  # type: ignore[misc]
        """Decides before a call, and says in headers and log what was decided."""

        async def async_pre_call_hook(
            self,
            user_api_key_dict: Any,  # noqa: ARG002 - LiteLLM's signature
            cache: Any,  # noqa: ARG002
            data: dict[str, Any],
            call_type: str,  # noqa: ARG002
        ) -> dict[str, Any] | None:
            return route(data, live)

        async def async_post_call_response_headers_hook(
            self, data: dict[str, Any], **_kwargs: Any
        ) -> dict[str, str] | None:
            return headers(data)

    return MapHook()


def route(data: dict[str, Any], live: LiveMap) -> dict[str, Any] | None:
    """The request with its model replaced by the map's choice; None: the map is not asked."""
    router = live.router()
    try:
        wish = read_model_name(data.get("model"), [t.task for t in router.routing_map.tasks])
        if wish is None:
            return None
        said = _metadata(data)
        own = said.get("requester_metadata")
        routed = decide(
            router,
            wish,
            asked(data),
            tags=[*(said.get("tags") or ()), *(data.get("tags") or ())],
            metadata=own if isinstance(own, Mapping) else None,
        )
    except InputError as error:
        raise _refusal(error) from error
    data["model"] = _served_group(routed)
    _keep(said, routed)
    return data


def asked(data: Mapping[str, Any]) -> Any:
    """What is asked: chat messages, or the input or prompt of the other text endpoints."""
    given = data.get("messages") or data.get("input") or data.get("prompt") or ""
    if not isinstance(given, list):
        return given
    # The Responses API lists tool calls and their outputs among the messages.
    return [turn for turn in given if not isinstance(turn, Mapping) or "role" in turn]


def headers(data: Mapping[str, Any]) -> dict[str, str] | None:
    """The decision as response headers; None where none was made."""
    note = _metadata(data).get(NOTE)
    if not isinstance(note, Mapping):
        return None
    return {
        f"x-llmroute-{name}": quote(str(note[name]), safe=" /:.,-_+@")
        for name in ("task", "model", "layer", "score")
        if note.get(name) is not None
    }


def _metadata(data: Any) -> dict[str, Any]:
    """What the proxy knows of a request; some endpoints keep it under another name."""
    named = "litellm_metadata" if isinstance(data.get("litellm_metadata"), dict) else "metadata"
    if not isinstance(data.get(named), dict):
        data[named] = {}
    found: dict[str, Any] = data[named]
    return found


def _keep(said: dict[str, Any], routed: Routed) -> None:
    """Leave the decision where the headers and the spend log find it."""
    note = {
        "task": routed.task,
        "model": routed.model,
        "layer": routed.layer,
        "score": None if routed.score is None else round(routed.score, 6),
        "reason": routed.reason,
    }
    logged = said.get("spend_logs_metadata")
    said[NOTE] = note
    said["spend_logs_metadata"] = {**(logged if isinstance(logged, dict) else {}), NOTE: note}


def _served_group(routed: Routed) -> str:
    """The exported group, or in a configuration of one's own the candidate's name."""
    from litellm.proxy.proxy_server import llm_router

    served = {routed.group} if llm_router is None else llm_router.model_names
    for name in (routed.group, routed.model):
        if name in served:
            return name
    raise _refusal(
        InputError(
            f"the proxy serves neither {routed.group!r} nor {routed.model!r}",
            fix="Export its configuration from the map it runs: llmroute export litellm --hook",
        )
    )


def _refusal(error: InputError) -> Exception:
    from fastapi import HTTPException

    refusal: Exception = HTTPException(400, detail={"error": f"llmroute: {error}"})
    return refusal
