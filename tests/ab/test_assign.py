from __future__ import annotations

import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from scipy import stats

from llmroute.ab import assign, point
from llmroute.errors import InputError

DOCS = Path(__file__).resolve().parents[2] / "docs" / "ab.md"
VECTORS = {
    ("exp1", "user-42"): 0.49679988353053073,
    ("exp2", "user-42"): 0.12690872628508965,
    ("exp1", "1"): 0.6969292213836764,
    ("exp1", "Zoë"): 0.1930595840103344,
    ("exp1", "a:b"): 0.32703292340148304,
}
KEYS = [f"user-{i}" for i in range(20_000)]


@pytest.mark.parametrize(("named", "expected"), VECTORS.items())
def test_points_are_those_of_the_test_vectors(named: tuple[str, str], expected: float) -> None:
    salt, key = named
    assert point(key, salt=salt) == expected
    assert f"`{salt}` | `{key}` | {expected!r}" in DOCS.read_text()


def test_raising_the_share_never_moves_a_key_out_of_treatment() -> None:
    shares = [0.0, 0.01, 0.1, 0.11, 0.5, 0.999, 1.0]
    arms = [[assign(key, salt="exp1", share=share) for key in KEYS[:2000]] for share in shares]
    for smaller, greater in pairwise(arms):
        assert all(b == "treatment" for a, b in zip(smaller, greater, strict=True)
                   if a == "treatment")  # fmt: skip
    assert set(arms[0]) == {"control"}
    assert set(arms[-1]) == {"treatment"}


def test_points_are_uniform() -> None:
    assert stats.kstest([point(key, salt="exp1") for key in KEYS], "uniform").pvalue > 0.01


def test_salts_are_independent() -> None:
    arms = [[assign(key, salt=salt, share=0.5) for key in KEYS] for salt in ("exp1", "exp2")]
    table = [[0, 0], [0, 0]]
    for a, b in zip(*arms, strict=True):
        table[a == "treatment"][b == "treatment"] += 1
    assert stats.chi2_contingency(table).pvalue > 0.01


def test_a_salt_and_a_key_are_never_read_another_way() -> None:
    assert point("b:c", salt="a") != point("c", salt="b")
    with pytest.raises(InputError, match="the salt is 'a:b'"):
        point("c", salt="a:b")


@pytest.mark.parametrize(
    ("key", "salt", "share", "said"),
    [
        ("", "exp1", 0.5, "the key is empty"),
        ("k", "", 0.5, "the salt is ''"),
        ("k", "exp1", 1.5, "share is 1.5"),
        ("k", "exp1", float("nan"), "share is nan"),
        ("\ud800", "exp1", 0.5, "no valid Unicode"),
    ],
)
def test_what_is_no_assignment_is_refused(key: str, salt: str, share: float, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        assign(key, salt=salt, share=share)


def _code(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found
    return found[1]


def test_the_python_of_the_docs_finds_the_same_points() -> None:
    names: dict[str, object] = {}
    exec(_code("python"), names)
    for (salt, key), expected in VECTORS.items():
        assert names["point"](salt, key) == expected  # type: ignore[operator]


def test_the_javascript_of_the_docs_finds_the_same_points() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    calls = "".join(f"console.log(point({s!r}, {k!r}));\n" for s, k in VECTORS)
    code = _code("js") + calls
    done = subprocess.run([node, "--input-type=module", "-e", code], capture_output=True, text=True)
    assert done.stderr == ""
    assert [float(line) for line in done.stdout.split()] == list(VECTORS.values())
