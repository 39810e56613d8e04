"""What the installed LiteLLM really writes is what its log form reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from llmroute.logs.read import open_log
from llmroute.records import Usage

WRITE = """
import asyncio, json, sys
import litellm
from litellm.integrations.custom_logger import CustomLogger

SAID = [{"role": "user", "content": "2+2?"}]
heard = []

class Logger(CustomLogger):
    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        heard.append((kwargs, response_obj, start_time, end_time))

async def main():
    params = {"model": "openai/gpt-4o-mini", "api_key": "x", "mock_response": "Four."}
    router = litellm.Router(model_list=[{"model_name": "mini", "litellm_params": params}])
    metadata = {"tags": ["sums"], "spend_logs_metadata": {"arm": "treatment"}}
    await router.acompletion(model="mini", messages=SAID, metadata=metadata)
    while not heard:
        await asyncio.sleep(0.05)

litellm.callbacks = [Logger()]
asyncio.run(asyncio.wait_for(main(), 60))
kwargs, response, start, end = heard[0]
entry = kwargs["standard_logging_object"]
if sys.argv[1] == "spend":
    import litellm.proxy.proxy_server as server
    from litellm.proxy.spend_tracking.spend_tracking_utils import get_logging_payload

    server.general_settings = {"store_prompts_in_spend_logs": True}
    body = {"model": "mini", "messages": SAID}
    kwargs["litellm_params"]["proxy_server_request"] = {"body": body}
    entry = get_logging_payload(kwargs, response, start, end)
print(json.dumps(entry, default=str))
"""


@pytest.mark.parametrize("kind", ["callback", "spend"])
def test_a_request_it_logs_is_read_whole(kind: str, tmp_path: Path) -> None:
    if kind == "spend" and find_spec("fastapi") is None:
        pytest.skip("the proxy is not installed: pip install 'litellm[proxy]'")
    env = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
    done = subprocess.run(
        [sys.executable, "-c", WRITE, kind], capture_output=True, text=True, env=env, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    path = tmp_path / "log.json"
    path.write_text(json.dumps([json.loads(done.stdout.splitlines()[-1])]))
    log = open_log([path])
    (found,) = log.requests()
    assert (log.form, found.fate, found.models) == (
        "litellm",
        "answered",
        ("mini", "openai/gpt-4o-mini"),
    )
    assert found.request == ({"role": "user", "content": "2+2?"},)
    assert found.usage == Usage(10, 20)
    assert found.cost_usd == pytest.approx((10 * 0.15 + 20 * 0.6) / 1e6)
    assert found.latency_s is not None
    assert 0 <= found.latency_s < 60
    assert found.tags == ("sums",)
    assert found.metadata == {"arm": "treatment"}
    assert log.answer(found) == "Four."
