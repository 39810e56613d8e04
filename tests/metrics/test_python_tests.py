from __future__ import annotations

import pytest

from llmroute.metrics import Unscorable
from llmroute.metrics.python_tests import PythonTests
from llmroute.records import Plugin, Sample, Suite
from llmroute.scores.score import build_scorer, runs_code

SAMPLE = Sample(
    "q1",
    "square(x) gives x times x; a negative x raises ValueError.",
    fields={
        "tests": [
            "assert square(3) == 9",
            "assert square(0) == 0",
            "assert square(1.5) == 2.25",
            "with raises(ValueError): square(-1)",
        ]
    },
)
RIGHT = "def square(x):\n    if x < 0: raise ValueError\n    return x * x"


def score(code: str, **params: object) -> float:
    return PythonTests(**params).score(SAMPLE, code)  # type: ignore[arg-type]


@pytest.mark.usefixtures("sandbox")
def test_the_score_is_the_share_of_tests_passed() -> None:
    assert score(RIGHT) == 1.0
    assert score("def square(x): return x * x") == 0.75
    assert score("def square(x): return x * x", mode="all") == 0.0
    assert score(RIGHT, mode="all") == 1.0
    assert score("def square(x): return 0") == 0.25


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    "code", ["", " \n", "I don't know.", "def square(x): ...", "1 / 0", "\ud800"]
)
def test_stubs_and_prose_score_nothing(code: str) -> None:
    assert score(code) == 0.0


@pytest.mark.usefixtures("sandbox")
def test_an_endless_test_costs_its_own_point_only() -> None:
    assert score(RIGHT.replace("return", "\n    while x == 0: pass\n    return")) == 0.75


@pytest.mark.usefixtures("sandbox")
def test_endless_code_scores_nothing_and_is_scored() -> None:
    assert score("while True: pass") == 0.0


def test_without_permission_nothing_is_scored_and_the_reason_says_why() -> None:
    with pytest.raises(Unscorable, match="not allowed"):
        score(RIGHT + "\n# which nothing has run before")


FORGED = {
    "a verdict on standard output": "print('PASS')\nprint('4 passed')\nprint('OK')",
    "an early exit": "import sys\nsys.exit(0)",
    "an exit without farewell": "import os\nos._exit(0)",
    "an exit inside a call": "def square(x):\n    import os\n    os._exit(0)",
    "an assertion of its own": "def square(x): raise AssertionError",
    "an object that equals everything": """
class A:
    def __eq__(self, other): return True
    def __hash__(self): return 1
def square(x): return A()
""",
    "a number that equals everything": """
class A(int):
    def __eq__(self, other): return True
    __hash__ = int.__hash__
def square(x): return A(7)
""",
    "a list of mappings that equal everything": """
class A(list):
    def __eq__(self, other): return True
class B(dict):
    def __eq__(self, other): return True
def square(x): return A([B()])
""",
    "a class that lies about itself": """
class A:
    __class__ = int
    def __index__(self): return 7
    def __abs__(self): return 7
    def __eq__(self, other): return True
def square(x): return A()
""",
    "builtins that agree": """
import builtins, operator
for name in ('eval', 'exec', 'compile', 'isinstance', 'bool', 'abs', 'repr'):
    setattr(builtins, name, lambda *a, **k: True)
operator.eq = lambda a, b: True
def square(x): return True
""",
    "the asker, changed": """
import __main__
__main__.encoded = lambda value: True
__main__.evaluate = lambda *a: {'value': True}
__main__.timed = lambda *a: {'value': True}
""",
    "the asker's words, changed": """
import json
json.dumps = lambda *a, **k: '{"test": 0, "check": 0, "value": true}'
def square(x): return 1
""",
    "the frames above": """
import sys
frame = sys._getframe()
while frame:
    frame.f_globals.update(passed=True, verdict='pass')
    frame = frame.f_back
""",
    "replies to every file": """
import json, os
for test in range(4):
    for value in ('pass', True, 1, {'ok': 1}, 'PASS', 100):
        for file in range(3, 9):
            reply = json.dumps({'test': test, 'check': 0, 'value': value})
            try: os.write(file, reply.encode() + b'\\n')
            except OSError: pass
""",
    "replies that claim an error nobody knows": """
import json, os
for test in range(4):
    os.write(3, json.dumps({'test': test, 'check': 0, 'raised': ['nothing']}).encode() + b'\\n')
""",
    "replies of another kind": """
import os
os.write(3, b'{"verdict": "pass", "score": 1.0, "passed": 4}\\n' * 9)
""",
    "a thread that replies": """
import os, threading
def go():
    while True: os.write(3, b'{"test": 0, "check": 0, "value": 1}\\n')
threading.Thread(target=go, daemon=True).start()
def square(x): return 1
""",
    "an exit handler": """
import atexit, os
atexit.register(lambda: os.write(3, b'{"test": 0, "check": 0, "value": 9}\\n'))
""",
    "numbers that are none": "def square(x): return float('nan')",
    "a test framework that is content": """
import unittest
unittest.TestCase.assertEqual = lambda *a: None
def square(x): return unittest
""",
    "an error that fits, while loading": "raise ValueError",
    "tracing": """
import sys
sys.settrace(lambda *a: None)
sys.setprofile(lambda *a: None)
sys.excepthook = print
def square(x): return 1
""",
    "modules in the place of others": """
import sys, types
for name in list(sys.modules): sys.modules[name] = types.ModuleType(name)
def square(x): return 1
""",
    "a name space that knows every name": """
class D(dict):
    def __missing__(self, key): return lambda *a: self
    def __eq__(self, other): return True
globals().update(square=lambda x: D())
""",
}


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("way", sorted(FORGED))
def test_a_verdict_cannot_be_forged(way: str) -> None:
    assert score(FORGED[way]) == 0.0


SECRET = Sample(
    "q2",
    "token(x)",
    fields={"tests": ["assert token(1) == 'Zq7_one'", "assert token(2) == 'Zq7_two'"]},
)
FOUND = """
import re
def token(x): return sorted(set(re.findall('Zq' + r'7_\\w+', text)))[x - 1]
"""
SEARCHED = {
    "memory": "import gc\ntext = ' '.join(map(repr, gc.get_objects()))",
    "frames": """
import sys
text, frame = '', sys._getframe()
while frame:
    text += repr(frame.f_locals) + repr(frame.f_globals)
    frame = frame.f_back
""",
    "the request": """
import os
text = ''
for file in range(16):
    try: text += os.read(file, 1 << 20).decode()
    except OSError: pass
""",
    "modules": "import sys\ntext = ' '.join(repr(vars(m)) for m in list(sys.modules.values()))",
    "files": """
import os
text = repr(os.environ)
for top, _, files in os.walk('/tmp'):
    for name in files: text += open(os.path.join(top, name)).read()
""",
}


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("place", sorted(SEARCHED))
def test_what_is_expected_is_nowhere_to_be_found(place: str) -> None:
    assert PythonTests().score(SECRET, SEARCHED[place] + FOUND) == 0.0


@pytest.mark.usefixtures("sandbox")
def test_it_would_be_found_if_it_were_there() -> None:
    told = ["secret = 'Zq7_one'\nassert token(1) == 'Zq7_one'", "assert token(2) == 'Zq7_two'"]
    sample = Sample("q3", "token(x)", fields={"tests": told})
    assert PythonTests().score(sample, SEARCHED["frames"] + FOUND) == 0.5


def test_two_dozen_forgeries_are_tried() -> None:
    assert len(FORGED) >= 24


# -- what a suite must bring ----------------------------------------------------------------------


def test_a_sample_without_usable_tests_is_noticed() -> None:
    metric = PythonTests()
    assert metric.lacks(SAMPLE) is None
    assert metric.lacks(Sample("a", "x")) == "no field 'tests'"
    lack = metric.lacks(Sample("a", "x", fields={"tests": ["assert f(1) == g(1)"]}))
    assert lack is not None
    assert lack.startswith("no usable tests in field 'tests' (test 1: ")
    with pytest.raises(Unscorable, match="no field 'tests'"):
        metric.score(Sample("a", "x"), "x = 1")


def test_a_suite_that_runs_code_says_so() -> None:
    suite = Suite("s", "t", (SAMPLE,), metrics=(Plugin("python_tests"),))
    assert runs_code(suite)
    assert build_scorer(suite).runs_code
    other = Suite("s", "t", (Sample("a", "x", "y"),), metrics=(Plugin("exact"),))
    assert not runs_code(other)


@pytest.mark.parametrize("params", [{"mode": "any"}, {"cpu_s": 0}, {"cpu_s": 6}, {"cpu_s": True}])
def test_parameters_that_cannot_be_meant_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        PythonTests(**params)  # type: ignore[arg-type]


def test_only_all_or_nothing_is_right_or_wrong() -> None:
    assert PythonTests(mode="all").right_or_wrong
    assert not PythonTests().right_or_wrong
