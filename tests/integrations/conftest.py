"""A real LiteLLM proxy on loopback, started once for a module from an exported configuration."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmroute.artefact import training_fingerprint
from llmroute.calibration.pair import Pair, Query
from llmroute.digest import file_digest
from llmroute.exporters.litellm import LitellmProxy
from llmroute.records import QueryRouter, RoutingMap
from llmroute.routers import build_router
from llmroute.routers.artefact import SavedRouter, save_router
from llmroute.routers.novelty import Novelty
from llmroute.routing_map.file import map_to_yaml

HARD = "Prove that the {} numbers in the list sum to an even integer"
EASY = "Say good morning to guest number {} at the hotel door"
SPEND_LOG = '''
import json
from pathlib import Path
from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy.spend_tracking.spend_tracking_utils import get_logging_payload


class SpendLog(CustomLogger):
    """Writes the row LiteLLM would put in its database, which the tests do without."""

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        row = get_logging_payload(kwargs, response_obj, start_time, end_time)
        line = json.dumps({"model_group": row["model_group"], "metadata": row["metadata"]})
        with Path(__file__).with_name("spend.jsonl").open("a") as log:
            log.write(line + "\\n")


spend_log = SpendLog()
'''


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Proxy:
    """A running proxy, its folder and its master key."""

    url: str
    key: str
    folder: Path
    log: Path

    @property
    def map_file(self) -> Path:
        return self.folder / "routing-map.yaml"

    def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        asked = urllib.request.Request(
            self.url + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"},
        )
        try:
            with urllib.request.urlopen(asked, timeout=30) as reply:
                return _answer(reply)
        except urllib.error.HTTPError as error:
            return _answer(error)

    def ask(self, model: str, prompt: str = "hello", **more: Any) -> Answer:
        messages = [{"role": "user", "content": prompt}]
        return self.post("/v1/chat/completions", {"model": model, "messages": messages, **more})

    def spend(self) -> list[dict[str, Any]]:
        file = self.folder / "spend.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _answer(reply: Any) -> Answer:
    headers = {name.lower(): value for name, value in reply.headers.items()}
    return Answer(reply.status, headers, reply.read().decode())


def fit_query_router(folder: Path, routing_map: RoutingMap) -> RoutingMap:
    """The map with a TF-IDF router beside it that has learned to tell EASY from HARD."""
    texts = [(HARD if i % 2 else EASY).format(i) for i in range(100)]
    weak = np.array([0.0 if i % 2 else 1.0 for i in range(100)])
    unknown = np.full(100, np.nan)
    queries = tuple(Query(text) for text in texts)
    ids = tuple(map(str, range(100)))
    pair = Pair("small", "big", ids, queries, weak, np.ones(100), unknown, unknown, np.arange(100))
    path = folder / "router.json"
    fitted = build_router("tfidf").fit(pair)
    fingerprint = training_fingerprint(pair)
    save_router(path, SavedRouter(fitted, "small", "big", 0.7, Novelty.learn(texts), fingerprint))
    stated = routing_map.query_router
    assert stated is not None
    sealed = replace(stated, sha256=file_digest(path), routing_threshold=0.7)
    return replace(routing_map, query_router=sealed)


def start_proxy(folder: Path, config: str, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A proxy process whose output goes to `proxy.log`; its port and key are in `env`."""
    if find_spec("apscheduler") is None or find_spec("fastapi") is None:
        pytest.skip("the proxy is not installed: pip install 'litellm[proxy]'")
    (folder / "litellm.yaml").write_text(config)
    command = [sys.executable, "-c", "from litellm import run_server; run_server()"]
    options = ["--config", "litellm.yaml", "--host", "127.0.0.1", "--port", env["PORT"]]
    with (folder / "proxy.log").open("wb") as log:
        return subprocess.Popen(
            [*command, *options], cwd=folder, env={**os.environ, **env}, stdout=log, stderr=log
        )


def proxy_env(key: str) -> dict[str, str]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    return {
        "PORT": str(port),
        "LITELLM_MASTER_KEY": key,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_TELEMETRY": "False",
        "OPENAI_API_KEY": "sk-the-providers-own",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }


@pytest.fixture(scope="module")
def proxy(
    _chat_server: Any,
    make_map: Callable[..., RoutingMap],
    query_router: QueryRouter,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Proxy]:
    """The proxy of an export with `--hook`, in front of the loopback provider."""
    folder = tmp_path_factory.mktemp("proxy")
    routed = replace(query_router, task="proofs")
    given = fit_query_router(folder, make_map(_chat_server.url, query_router=routed))
    (folder / "routing-map.yaml").write_text(map_to_yaml(given))
    (folder / "spend_log.py").write_text(SPEND_LOG)
    config = LitellmProxy(hook=str(folder / "routing-map.yaml")).render(given)
    config = config.replace("callbacks:\n", "callbacks:\n    - spend_log.spend_log\n")
    key = f"sk-{secrets.token_urlsafe(24)}"
    env = proxy_env(key)
    process = start_proxy(folder, config, env)
    running = Proxy(f"http://127.0.0.1:{env['PORT']}", key, folder, folder / "proxy.log")
    try:
        wait_until_up(running, process)
        yield running
    finally:
        process.terminate()
        process.wait(20)


def wait_until_up(proxy: Proxy, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        if process.poll() is not None:
            pytest.fail(
                f"the proxy ended with {process.returncode}:\n{proxy.log.read_text()[-4000:]}"
            )
        try:
            with urllib.request.urlopen(f"{proxy.url}/health/liveliness", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the proxy has not come up in two minutes")


@pytest.fixture
def start_alone(make_map: Callable[..., RoutingMap]) -> Callable[[Path, str], tuple[int, str]]:
    """Starts a proxy with the hook on this map; its exit code and what it said, when it ended."""

    def start(folder: Path, map_file: str) -> tuple[int, str]:
        config = LitellmProxy(hook=map_file).render(make_map("http://127.0.0.1:9/v1"))
        process = start_proxy(folder, config, proxy_env("sk-none"))
        try:
            code = process.wait(120)
        finally:
            process.kill()
        return code, (folder / "proxy.log").read_text()

    return start
