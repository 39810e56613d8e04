"""Code that tries to get out, to take more than its share, or to outlive its end: none may."""

from __future__ import annotations

import ast
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmroute.sandbox.process import Bounds, Ending
from llmroute.sandbox.python import Said, ask_python

pytestmark = pytest.mark.usefixtures("sandbox", "nothing_left")

HERE = Path(__file__).parent
WAYS_OUT = (HERE / "ways_out.py").read_text()
TAKERS = (HERE / "takers.py").read_text()


def functions(code: str) -> list[str]:
    """The names of a module's public functions."""
    found = (node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef))
    return [node.name for node in found if not node.name.startswith("_")]


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What there is to reach; fails where somebody did."""
    canary = tmp_path / "canary"
    canary.write_text("a secret")
    tmp_path.chmod(0o755)
    name = f"llmroute-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind("\0" + name)
        unix.listen()
        yield {
            "port": tcp.getsockname()[1],
            "name": name,
            "canary": str(canary),
            "project": str(HERE),
        }
        for server in (tcp, unix):
            server.settimeout(0)
            with pytest.raises(BlockingIOError):
                server.accept()
    assert canary.read_text() == "a secret"


@pytest.mark.parametrize("way", functions(WAYS_OUT))
def test_code_does_not_get_out(way: str, outside: dict[str, Any]) -> None:
    code = f"OUTSIDE = {outside!r}\n{WAYS_OUT}"
    replies = ask_python(code, [[("", f"bool({way}())")]])
    assert replies.ending == "exited", replies.ran
    said = replies.said[0, 0]
    assert said.value in (None, False)
    assert not said.raised or {"OSError", "ValueError"} & set(said.raised), "not even tried"


@pytest.mark.parametrize("taker", functions(TAKERS))
def test_code_takes_no_more_than_its_share(taker: str) -> None:
    ending = taker.partition("__")[0]
    allowed = {ending, "starved"} | ({"exited"} if taker == "cpu__recursion" else set())
    bounds = Bounds(cpu_s=1, check_cpu_s=9.0, wall_s=3.0 if ending == "waited" else 10.0)
    replies = ask_python(TAKERS, [[("", f"bool({taker}())")]], bounds)
    assert replies.ending in allowed, replies.ran
    assert replies.said.get((0, 0), Said()).value in (None, False)


def test_more_than_forty_ways_are_tried() -> None:
    assert len(functions(WAYS_OUT) + functions(TAKERS)) > 80


def test_an_endless_check_leaves_the_others_their_time() -> None:
    code = "def f(x):\n while x: pass\n return 'done'"
    replies = ask_python(code, [[("", "f(1)")], [("", "f(0)")]], Bounds(check_cpu_s=0.3))
    assert replies.said[0, 0].raised[0] == "OutOfTimeError"
    assert replies.said[1, 0].value == "done"


def test_no_core_is_left_behind() -> None:
    before = set(Path.cwd().iterdir())
    ask_python("import os\nos.abort()", [])
    assert set(Path.cwd().iterdir()) == before


def test_several_at_once_are_bounded_each() -> None:
    endings: list[Ending] = []
    bounds = Bounds(cpu_s=1, check_cpu_s=9.0)

    def run() -> None:
        endings.append(ask_python("while True: pass", [], bounds).ending)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(endings) <= {"cpu", "starved"}
