"""Sample and prediction → a value in [0, 1]: the metrics, one a module.

A metric is a frozen dataclass whose fields are its YAML parameters. Other packages offer metrics
through the entry-point group `llmroute.metrics`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from llmroute.errors import InputError, LlmrouteError
from llmroute.registry import Registry

if TYPE_CHECKING:
    from llmroute.records import Plugin, Sample

METRICS = Registry(
    "metric",
    {
        "bleu": "llmroute.metrics.bleu:Bleu",
        "choice": "llmroute.metrics.choice:Choice",
        "chrf": "llmroute.metrics.chrf:Chrf",
        "contains": "llmroute.metrics.contains:Contains",
        "exact": "llmroute.metrics.exact:Exact",
        "json_fields": "llmroute.metrics.json_fields:JsonFields",
        "json_schema": "llmroute.metrics.json_schema:JsonSchema",
        "length": "llmroute.metrics.length:Length",
        "math": "llmroute.metrics.math:Math",
        "numeric": "llmroute.metrics.numeric:Numeric",
        "python_tests": "llmroute.metrics.python_tests:PythonTests",
        "regex": "llmroute.metrics.regex:Regex",
        "rouge_l": "llmroute.metrics.rouge_l:RougeL",
        "set_f1": "llmroute.metrics.set_f1:SetF1",
        "sql_result": "llmroute.metrics.sql_result:SqlResult",
        "token_f1": "llmroute.metrics.token_f1:TokenF1",
    },
    "llmroute.metrics",
)


class Metric(Protocol):
    """Grades one prediction.

    A metric whose needs `needs_target` cannot tell may also have
    `lacks(sample: Sample) -> str | None`: what the sample must have and has not, as a noun
    ("no field 'facts'"), or None. It is asked of every sample before a call is made.

    One whose every score is 0 or 1 may say so by `right_or_wrong`: races then decide sooner. One
    that runs what a model wrote says so by `runs_code`: a bench then needs a person's permission.
    """

    needs_target: ClassVar[bool]
    """Whether every sample must have a target."""

    def score(self, sample: Sample, prediction: str) -> float:
        """The value of a prediction, in [0, 1], higher is better; pure.

        Raises:
            Unscorable: no value can be given, which is not the same as 0.
        """
        ...


class Unscorable(LlmrouteError):
    """A prediction that this metric can give no value; the score says why instead."""


def build_metric(plugin: Plugin, *, where: str | None = None) -> Metric:
    """The metric that a suite names, with its parameters.

    Raises:
        UnknownName: no metric carries the name; the message proposes the closest.
        InputError: a parameter is unknown, missing or refused, or an extra is not installed.
    """
    try:
        return cast("Metric", METRICS.build(plugin.name, plugin.params, where=where))
    except InputError as error:
        error.where = error.where or where
        raise
