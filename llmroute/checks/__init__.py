"""Sample and output → features in [0, 1]: the plugin room of checks that need no target.

A check reads what the answer should keep to (the prompt's text, a schema, labels, a passage) and
what the model wrote, never the target: so it says in production what it said in the bench. A check
is a frozen dataclass whose fields are its YAML parameters; other packages offer checks through the
entry-point group `llmroute.checks`.

A cascade weighs all features. Alone, as a guardrail, a check fails an answer by one rule: one of
the features among its `fails` is at 1. Those are the faults that need no weighing: JSON that was
asked for and is not there, a label outside the set, a refusal, an answer cut off, a sum that does
not come out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from llmroute.errors import InputError
from llmroute.registry import Registry, numbered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmroute.records import Plugin, Sample

CHECKS = Registry(
    "check",
    {
        "answer": "llmroute.checks.answer:FinalAnswer",
        "arithmetic": "llmroute.checks.arithmetic:Arithmetic",
        "code": "llmroute.checks.code:Code",
        "coverage": "llmroute.checks.coverage:Coverage",
        "derivation": "llmroute.checks.derivation:Derivation",
        "final_number": "llmroute.checks.final_number:FinalNumber",
        "hedging": "llmroute.checks.hedging:Hedging",
        "instructions": "llmroute.checks.instructions:Instructions",
        "json": "llmroute.checks.json_valid:JsonValid",
        "label": "llmroute.checks.label:Label",
        "language": "llmroute.checks.language:Language",
        "length": "llmroute.checks.length:Length",
        "literal": "llmroute.checks.literal:Literal",
        "log_probabilities": "llmroute.checks.log_probabilities:LogProbabilities",
        "quote": "llmroute.checks.quote:Quote",
        "refusal": "llmroute.checks.refusal:Refusal",
        "repetition": "llmroute.checks.repetition:Repetition",
        "self_agreement": "llmroute.checks.self_agreement:SelfAgreement",
        "truncation": "llmroute.checks.truncation:Truncation",
    },
    "llmroute.checks",
)

_HEAD, _TAIL = 24_000, 8_000


class Check(Protocol):
    """Looks at one answer without knowing the right one."""

    features: ClassVar[tuple[str, ...]]
    """The names `check` returns, always all of them, in this order."""
    fails: ClassVar[tuple[str, ...]]
    """Those of them that, at 1, say that the answer does not stand; empty where none does alone."""

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:
        """Feature → value in [0, 1]; pure, and the same whatever the target is."""
        ...


def build_check(plugin: Plugin, *, where: str | None = None) -> Check:
    """The check that a suite names, with its parameters.

    Raises:
        UnknownName: no check carries the name; the message proposes the closest.
        InputError: a parameter is unknown, missing or refused.
    """
    try:
        return cast("Check", CHECKS.build(plugin.name, plugin.params, where=where))
    except InputError as error:
        error.where = error.where or where
        raise


def build_checks(plugins: Sequence[Plugin], *, where: str | None = None) -> dict[str, Check]:
    """Name → check; a name used again is numbered ("length#2").

    Raises:
        UnknownName: no check carries a name.
        InputError: a parameter is unknown, missing or refused.
    """
    names = numbered(plugin.name for plugin in plugins)
    built = (build_check(plugin, where=where) for plugin in plugins)
    return dict(zip(names, built, strict=True))


def run_checks(checks: Mapping[str, Check], sample: Sample, output: str) -> dict[str, float]:
    """ "check.feature" → value, over all checks; the middle of a runaway answer is skipped.

    >>> from llmroute.records import Plugin, Sample
    >>> sums = {"arithmetic": build_check(Plugin("arithmetic"))}
    >>> run_checks(sums, Sample("q1", "2 + 2?"), "2 + 2 = 5")["arithmetic.any_wrong"]
    1.0
    """
    seen = bounded(output)
    return {
        f"{name}.{feature}": value
        for name, check in checks.items()
        for feature, value in check.check(sample, seen).items()
    }


def failed_checks(checks: Mapping[str, Check], sample: Sample, output: str) -> tuple[str, ...]:
    """ "check.feature" of every reason why the answer does not stand.

    >>> from llmroute.records import Plugin, Sample
    >>> named = build_checks([Plugin("refusal"), Plugin("length", {"max_words": 3})])
    >>> failed_checks(named, Sample("q1", "Why?"), "I'm sorry, I cannot help with that.")
    ('refusal.opens', 'length.outside')
    >>> failed_checks(named, Sample("q1", "Why?"), "Because it rained.")
    ()
    """
    seen = bounded(output)
    return tuple(
        f"{name}.{feature}"
        for name, check in checks.items()
        for feature, value in check.check(sample, seen).items()
        if feature in check.fails and value >= 1
    )


def bounded(output: str) -> str:
    """The output, of a runaway one its first 24,000 and last 8,000 characters."""
    if len(output) <= _HEAD + _TAIL:
        return output
    return f"{output[:_HEAD]}\n{output[-_TAIL:]}"


def squashed(count: float, half: float) -> float:
    """A count of at least 0 as a value in [0, 1): 0.5 at `half`.

    >>> squashed(4, 4), squashed(0, 4)
    (0.5, 0.0)
    """
    return count / (count + half)
