"""How many of a sample's tests the predicted code passes, run in a sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Literal

from llmroute.errors import InputError
from llmroute.metrics import Unscorable
from llmroute.metrics.python_asserts import Test, read_tests
from llmroute.sandbox.process import BLAMELESS, Bounds
from llmroute.sandbox.python import Replies, Said, ask_python

if TYPE_CHECKING:
    from llmroute.records import Sample

MAX_CPU_S = 5
"""Half the wall clock's limit: a machine at twice its load still gives them."""
_BUSY = "the machine was too busy, or too short of memory, to run the code"


@dataclass(frozen=True, slots=True)
class PythonTests:
    """Share of the tests that pass, in [0, 1]; with mode `all` 1.0 if every one does, else 0.0.

    The tests are the sample field that `field` names: a list of texts, each with one or more
    asserts (`python_asserts.read_tests` says which). The code sees the standard library alone and
    has `cpu_s` processor seconds for all tests together, of which one check may use half. It is
    run only where `--allow-code-execution` was given, and is not scored where it was not.

    Expressions are evaluated beside the code, in the sandbox; what they must equal never gets
    there, so the code can forge no pass (`llmroute.sandbox`). Values are compared by Python's `==`
    once they are plain: None, bool, numbers, text, bytes, list, tuple, set, dict, Decimal,
    Fraction, dates. An object of the code's own equals nothing: test its attributes or its repr.

    Endless code fails by its processor seconds, not by the clock. Where only the clock ran out
    because the machine gave the code no time, it is tried once more, and then not scored.
    """

    needs_target: ClassVar[bool] = False
    runs_code: ClassVar[bool] = True

    field: str = "tests"
    mode: Literal["share", "all"] = "share"
    cpu_s: int = 2

    def __post_init__(self) -> None:
        if self.mode not in ("share", "all"):
            raise ValueError(f"mode must be share or all, not {self.mode!r}")
        if type(self.cpu_s) is not int or not 1 <= self.cpu_s <= MAX_CPU_S:
            raise ValueError(f"cpu_s must be from 1 to {MAX_CPU_S}, not {self.cpu_s!r}")

    @property
    def right_or_wrong(self) -> bool:
        """Whether every score is 0 or 1."""
        return self.mode == "all"

    def lacks(self, sample: Sample) -> str | None:
        """What the sample must have for this metric, or None."""
        if self.field not in sample.fields:
            return f"no field {self.field!r}"
        try:
            read_tests(sample.fields[self.field])
        except ValueError as error:
            return f"no usable tests in field {self.field!r} ({error})"
        return None

    def score(self, sample: Sample, prediction: str) -> float:
        """The share of tests passed, or 1.0/0.0 for mode `all`.

        Raises:
            Unscorable: code may not be run here, or the machine could not run it.
        """
        if (missing := self.lacks(sample)) is not None:
            raise Unscorable(missing)
        if not prediction.strip():
            return 0.0
        passed = _passed(prediction, tuple(sample.fields[self.field]), self.cpu_s)
        share = sum(passed) / len(passed)
        return share if self.mode == "share" else float(share == 1.0)


@lru_cache(maxsize=4096)  # models give the same answer more often than one would think
def _passed(code: str, texts: tuple[str, ...], cpu_s: int) -> tuple[bool, ...]:
    """Whether each test passes.

    Raises:
        Unscorable: code may not be run here, or the machine could not run it.
    """
    tests = read_tests(texts)
    bounds = Bounds(cpu_s=cpu_s, check_cpu_s=cpu_s / 2)
    asked = [[(check.statements, check.expression) for check in test] for test in tests]
    for _ in range(2):
        try:
            replies = ask_python(code, asked, bounds)
        except InputError as error:
            raise Unscorable(error.what) from error
        passed = tuple(_passes(number, test, replies) for number, test in enumerate(tests))
        if all(passed) or replies.ending not in BLAMELESS:
            return passed
    raise Unscorable(f"{_BUSY} ({replies.ran.said or replies.ending})")


def _passes(number: int, test: Test, replies: Replies) -> bool:
    nothing = Said(raised=("nothing",))
    return all(
        check.expected.met_by(replies.said.get((number, place), nothing))
        for place, check in enumerate(test)
    )
