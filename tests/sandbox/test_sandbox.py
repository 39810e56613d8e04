"""The sandbox from outside: who may use it, what it says, and that it fails closed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from llmroute.errors import InputError
from llmroute.sandbox import code_execution, permission
from llmroute.sandbox.preflight import check_sandbox
from llmroute.sandbox.process import BLAMELESS, Bounds
from llmroute.sandbox.python import ask_python
from llmroute.sandbox.seccomp import REFUSED, seccomp_filter
from llmroute.sandbox.usage import children_of
from llmroute.sandbox.values import Other, decoded

preflight = check_sandbox.__wrapped__
"""The look itself, not what it found the first time."""


# -- permission and preflight ---------------------------------------------------------------------


def test_no_code_is_run_where_nobody_has_allowed_it() -> None:
    with pytest.raises(InputError, match="not allowed") as refused:
        ask_python("", [])
    assert "--allow-code-execution" in (refused.value.fix or "")
    with code_execution(allowed=False):
        assert not permission.is_given()


@pytest.mark.usefixtures("sandbox")
def test_the_permission_ends_with_its_block() -> None:
    assert permission.is_given()
    with code_execution(allowed=True):
        pass
    assert permission.is_given()  # the fixture's own


def test_without_bubblewrap_it_refuses_and_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="bubblewrap is not installed") as refused:
        preflight()
    assert "apt install bubblewrap" in (refused.value.fix or "")


@pytest.fixture
def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program called bwrap that comes first; its text is the test's to write."""
    program = tmp_path / "bwrap"
    program.touch(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return program


def test_a_bubblewrap_that_may_not_make_namespaces_is_refused(pretend: Path) -> None:
    pretend.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1")
    with pytest.raises(InputError, match="setting up uid map: Permission denied") as refused:
        preflight()
    assert "AppArmor" in (refused.value.fix or "")


def test_a_bubblewrap_that_isolates_nothing_is_found_out(pretend: Path) -> None:
    python = getattr(sys, "_base_executable", sys.executable)
    # imported first: a user nobody is may not be allowed to read them
    run = "import ctypes, pathlib, socket, sys, threading; exec(sys.argv[1])"
    pretend.write_text(
        "#!/bin/sh\nfor program; do :; done\n"  # the last argument is the program's text
        f"exec {python} -S -s -c '{run}' \"$program\""
    )
    with pytest.raises(InputError, match="does not hold here") as refused:
        preflight()
    assert "reads files outside" in refused.value.what
    assert "nothing was run" in refused.value.what


def test_a_processor_whose_calls_are_not_known_is_refused() -> None:
    with pytest.raises(InputError, match="does not know the processor 'riscv64'"):
        seccomp_filter("riscv64")


def test_the_filter_is_whole_instructions_that_end_in_a_verdict() -> None:
    for machine in ("x86_64", "aarch64"):
        program = seccomp_filter(machine)
        assert len(program) % 8 == 0
        assert len(program) // 8 > len(REFUSED)
        assert program[-8:] == b"\x06\x00\x00\x00\x00\x00\xff\x7f"  # return SECCOMP_RET_ALLOW


# -- what comes out -------------------------------------------------------------------------------


@pytest.mark.usefixtures("sandbox")
def test_plain_values_come_out_as_they_are() -> None:
    code = (
        "from collections import Counter, OrderedDict, namedtuple\n"
        "from datetime import date, datetime\nfrom decimal import Decimal\n"
        "from enum import IntEnum\nfrom fractions import Fraction\n"
        "P = namedtuple('P', 'x y')\nclass E(IntEnum):\n    A = 3\n"
    )
    written = [
        "None", "True", "-7", "2 ** 100", "0.1", "float('inf')", "'é\\ud800'", "b'\\xff'",
        "[1, [2]]", "(1,)", "{1, 2}", "frozenset({1})", "{'a': {2: (3,)}}", "1 + 2j",
        "Decimal('1.50')",
        "Fraction(1, 3)", "date(2024, 2, 29)", "datetime(2024, 2, 29, 1, 2)", "P(1, 2)", "E.A",
        "Counter('aab')", "OrderedDict(a=1)",
    ]  # fmt: skip
    replies = ask_python(code, [[("", text)] for text in written])
    names: dict[str, object] = {}
    exec(code, names)
    for number, text in enumerate(written):
        expected = eval(text, names)
        assert replies.said[number, 0].value == expected, text


@pytest.mark.usefixtures("sandbox")
def test_other_values_come_out_as_what_equals_nothing() -> None:
    code = "class Always:\n    def __eq__(self, other): return True"
    written = ["Always()", "object()", "lambda: 1", "iter([])", "range(3)"]
    replies = ask_python(code, [[("", text)] for text in written])
    for number in range(len(written)):
        value = replies.said[number, 0].value
        assert isinstance(value, Other)
        assert value != value
        assert value != Other("x")


@pytest.mark.usefixtures("sandbox")
def test_the_same_code_gives_the_same_order_of_a_set() -> None:
    code = "def f(): return list({str(i) for i in range(50)})"
    first, second = (ask_python(code, [[("", "f()")]]).said[0, 0].value for _ in range(2))
    assert first == second
    assert len(first) == 50


@pytest.mark.usefixtures("sandbox")
def test_code_that_does_not_load_says_nothing_to_any_check() -> None:
    assert ask_python("raise ValueError", [[("", "1")]]).said == {}
    assert ask_python("def f(:", [[("", "1")]]).said == {}


@pytest.mark.usefixtures("sandbox")
def test_a_check_that_raises_is_not_its_tests_last() -> None:
    replies = ask_python("", [[("x = 1", "1 / 0"), ("", "x")]])
    assert replies.said[0, 0].raised[0] == "ZeroDivisionError"
    assert replies.said[0, 1].value == 1


@pytest.mark.usefixtures("sandbox")
def test_checks_of_one_test_share_their_names_and_tests_do_not() -> None:
    replies = ask_python("x = 1", [[("x = 2", "x"), ("x += 1", "x")], [("", "x")]])
    assert [replies.said[place].value for place in ((0, 0), (0, 1), (1, 0))] == [2, 3, 1]


@pytest.mark.parametrize(
    "reply",
    [{"tuple": 1}, {"a": 1, "b": 2}, {"set": [[]]}, {"int": "x"}, {"dict": [[[], 1]]}, {"date": 3}],
)
def test_a_reply_that_states_no_value_is_refused(reply: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each message differs
        decoded(reply)


# -- how it ends ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("sandbox", "nothing_left")
def test_a_clock_that_runs_out_on_a_busy_program_is_no_verdict() -> None:
    busy = "import signal\nsignal.setitimer(signal.ITIMER_PROF, 0)\nwhile True: pass"
    assert ask_python(busy, [], Bounds(cpu_s=30, wall_s=1.5)).ending == "starved"
    idle = "import time\ntime.sleep(99)"  # long enough to have started on a busy machine
    assert ask_python(idle, [], Bounds(cpu_s=30, wall_s=8.0)).ending == "waited"


@pytest.mark.usefixtures("sandbox", "nothing_left")
def test_ctrl_c_does_not_reach_the_code_that_is_being_run() -> None:
    """It would look like code that ended without an answer: a 0 that nobody earned."""
    program = (
        "import signal\n"
        "from llmroute.sandbox import code_execution\n"
        "from llmroute.sandbox.python import ask_python\n"
        "signal.signal(signal.SIGINT, lambda *_: print('heard', flush=True))\n"
        "with code_execution(allowed=True):\n"
        "    print('ready', flush=True)\n"
        "    replies = ask_python('import time; time.sleep(1)', [[('', '7')]])\n"
        "    print(replies.ending, replies.said[0, 0].value)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.read() == "heard\nexited 7\n"


@pytest.mark.usefixtures("sandbox", "nothing_left")
def test_a_sandbox_that_somebody_kills_is_no_verdict(children: Callable[[], set[str]]) -> None:
    found: list[str] = []
    before = children()
    run = threading.Thread(
        target=lambda: found.append(ask_python("import time; time.sleep(60)", []).ending)
    )
    run.start()
    outer = None
    while outer is None or not runs_a_program(outer):
        time.sleep(0.01)
        outer = next(iter(children() - before), None)
    os.kill(int(outer), signal.SIGTERM)
    run.join()
    assert found[0] in BLAMELESS


def runs_a_program(outer: str) -> bool:
    """Whether a bubblewrap's sandbox has a first process, and that a child of its own."""
    first = children_of(int(outer))
    return bool(first) and bool(children_of(first[0]))


@pytest.mark.usefixtures("sandbox", "nothing_left")
def test_the_sandbox_dies_with_llmroute() -> None:
    program = (
        "from llmroute.sandbox import code_execution\n"
        "from llmroute.sandbox.python import ask_python\n"
        "with code_execution(allowed=True):\n"
        "    print('ready', flush=True)\n"
        "    ask_python('import time; time.sleep(60)', [])\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
    # `nothing_left` looks for what is still there
