"""What may be written in llmroute.yaml, with its defaults."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from llmroute.config.faults import RefusedError
from llmroute.config.fields import (
    Age,
    Count,
    Name,
    NotNegative,
    Number,
    Positive,
    Seed,
    Text,
    Threshold,
    Traffic,
    Written,
    as_list,
)
from llmroute.records import RECOGNISER_EMBEDDING, Evidence, GateLevel, Panel, QualityThreshold

RESERVED_PARAMS = ("api_base", "api_key", "messages", "model", "n", "stream")


def checked_params(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters sent with every call.

    Raises:
        RefusedError: one is ours to set, or is no JSON value.
    """
    for name in params:
        if name in RESERVED_PARAMS:
            fix = "Take it out of params; model, api_base and api_key stand beside it."
            raise RefusedError(f"the parameter {name!r} is set by llmroute", fix, at=(name,))
    try:
        json.dumps(params, allow_nan=False)
    except ValueError as cause:
        raise RefusedError("a parameter is not a finite number", "Write a number.") from cause
    return params


Params = Annotated[dict[str, Any], AfterValidator(checked_params)]


class PriceEntry(Written):
    """What a candidate costs: both token prices, a price per hour, or all three."""

    input_usd_per_mtok: NotNegative | None = Field(
        None, description="US dollars for a million prompt tokens; 0 means known to be free."
    )
    output_usd_per_mtok: NotNegative | None = Field(
        None, description="US dollars for a million generated tokens."
    )
    cached_input_usd_per_mtok: NotNegative | None = Field(
        None, description="US dollars for a million cached prompt tokens; default: as others."
    )
    usd_per_hour: NotNegative | None = Field(
        None, description="Price of the machine while it answers, for own hardware."
    )

    @model_validator(mode="after")
    def _complete(self) -> PriceEntry:
        if (self.input_usd_per_mtok is None) != (self.output_usd_per_mtok is None):
            fix = "Give input_usd_per_mtok and output_usd_per_mtok; 0 where it is free."
            raise RefusedError("a price needs both token prices", fix)
        if self.input_usd_per_mtok is None and self.usd_per_hour is None:
            fix = "Give input_usd_per_mtok and output_usd_per_mtok, or usd_per_hour."
            raise RefusedError("the price is empty", fix)
        return self


class LimitsEntry(Written):
    """How hard a candidate may be driven."""

    rpm: Positive | None = Field(None, description="Requests a minute.")
    tpm: Positive | None = Field(None, description="Tokens a minute, prompt and answer together.")
    concurrency: Count | None = Field(None, description="Most calls in flight.")
    timeout_s: Positive | None = Field(None, description="Seconds to wait for an answer (120).")
    max_attempts: Count | None = Field(
        None, description="Tries of one call, the first included (4)."
    )


class ProviderEntry(Written):
    """How hard one key may be driven by all its candidates together."""

    rpm: Positive | None = Field(None, description="Requests a minute.")
    tpm: Positive | None = Field(None, description="Tokens a minute, prompt and answer together.")
    concurrency: Count | None = Field(None, description="Most calls in flight.")


class CandidateEntry(Written):
    """A model under comparison. A LiteLLM model id alone is enough."""

    model: Name = Field(
        description="LiteLLM model id, `builtin/NAME` or `replay/NAME`.",
        examples=["openai/gpt-4o-mini", "anthropic/claude-haiku-4-5", "builtin/rules"],
    )
    name: Name | None = Field(None, description="Used everywhere else; default: the model id.")
    params: Params = Field(
        default_factory=dict,
        description="Sent with every call.",
        examples=[{"temperature": 0, "max_tokens": 512}],
    )
    price: PriceEntry | None = Field(None, description="Only to override, or where none is known.")
    limits: LimitsEntry | None = Field(None, description="Over the configuration's limits.")
    api_base: Text | None = Field(
        None,
        description="An endpoint that speaks the OpenAI chat protocol.",
        examples=["http://127.0.0.1:11434/v1"],
    )
    api_key: Text | None = Field(
        None, description="Default: the provider's own variable.", examples=["${MY_API_KEY}"]
    )
    adapter: Literal["auto", "litellm", "direct"] = Field(
        "auto", description="How it is called; auto chooses by the endpoint."
    )
    recording: Text | None = Field(
        None, description="JSONL of answers recorded earlier, for `replay/NAME`."
    )
    tags: list[Name] = Field(default_factory=list, description="Free labels.")

    @model_validator(mode="after")
    def _consistent(self) -> CandidateEntry:
        replayed = self.model.startswith("replay/")
        if replayed and self.recording is None:
            fix = "Add 'recording: answers.jsonl', the file its answers were recorded in."
            raise RefusedError("a replay/ candidate needs a recording", fix)
        if self.recording is not None and not replayed:
            fix = "Write 'model: replay/NAME', or take the recording away."
            raise RefusedError("only a replay/ candidate has a recording", fix, at=("recording",))
        if self.api_base is not None and not self.api_base.startswith(("http://", "https://")):
            fix = "Write the whole address, such as http://127.0.0.1:11434/v1."
            raise RefusedError("'api_base' is not an http address", fix, at=("api_base",))
        return self


def _from_model_id(value: Any) -> Any:
    return {"model": value} if isinstance(value, str) else value


class QualityEntry(Written):
    """What a candidate must show before it is routed to."""

    threshold: Threshold = Field(
        default_factory=lambda: QualityThreshold(0.85),
        json_schema_extra={"default": 0.85},
        description="The bar: a mean score in [0, 1], or a share of another candidate's.",
        examples=[0.85, {"of_reference": 0.95}],
    )
    evidence: Evidence = Field(
        "likely", description="The weakest verdict that is routed to; `mean` is the naive rule."
    )
    confidence: Annotated[Number, Field(gt=0.5, lt=1)] = Field(
        0.95, description="Of the one-sided lower bounds."
    )
    margin: Annotated[Number, Field(ge=0, lt=1)] = Field(
        0.05, description="How far below the bar the bound of a `likely` candidate may lie."
    )
    min_coverage: Annotated[Number, Field(gt=0, le=1)] = Field(
        0.98, description="Share of samples that must carry a score."
    )
    min_labels: Count = Field(
        50, description="Labelled answers of a task from which on its judge is calibrated."
    )


JudgeModel = Annotated[
    CandidateEntry, BeforeValidator(_from_model_id, json_schema_input_type=str | CandidateEntry)
]


class JudgeEntry(Written):
    """Which model grades what no metric can, and by which rubric."""

    model: JudgeModel | None = Field(
        None, description="The judge: a LiteLLM model id, or what is written of a candidate."
    )
    models: list[JudgeModel] = Field(default_factory=list, description="A panel of judges.")
    rubric: Name | None = Field(None, description="A shipped rubric's name, or a file.")
    params: Params = Field(default_factory=dict, description="Sent with every judge call.")
    panel: Panel = Field("mean", description="How a panel's votes become one score.")
    pairwise: Name | None = Field(
        None,
        description="Compare with this candidate's answers instead of grading each alone.",
        examples=["reference"],
    )
    allow_self_judging: bool = Field(
        False, description="Let a judge grade answers of its own model."
    )
    labels: Annotated[
        list[Text], BeforeValidator(as_list, json_schema_input_type=str | list[str])
    ] = Field(
        default_factory=list,
        description="Files of people's labels, CSV or JSONL, by which its scores are corrected.",
        examples=["labels.csv"],
    )

    @model_validator(mode="after")
    def _one_form(self) -> JudgeEntry:
        if self.model is not None and self.models:
            fix = "Keep one: 'model:' for one judge, 'models:' for a panel."
            raise RefusedError("both 'model' and 'models' are written", fix, at=("models",))
        return self

    @property
    def judges(self) -> list[CandidateEntry]:
        """The one judge, the panel, or nobody."""
        return self.models if self.model is None else [self.model]


class BudgetEntry(Written):
    """What a run may spend."""

    max_usd: NotNegative | None = Field(None, description="The cap; no call is sent past it.")
    confirm_usd: NotNegative = Field(1.0, description="A dearer plan is confirmed first.")


class TaskEntry(Written):
    """What else a task's route must keep to."""

    max_latency_p95_s: Positive | None = Field(None, description="Seconds, 95th percentile.")
    max_cost_usd_per_1k: Positive | None = Field(None, description="US dollars a 1,000 requests.")
    exclude: list[Name] = Field(default_factory=list, description="Candidates not asked.")
    quality_threshold: Threshold | None = Field(None, description="Its bar, before the suite's.")


def _from_level(value: Any) -> Any:
    return {"level": value} if isinstance(value, str) else value


class RuleEntry(Written):
    """How much one of the gate's rules weighs."""

    level: GateLevel | None = Field(None, description="`error` fails the gate, `warn` is shown.")


class TolerantRuleEntry(RuleEntry):
    """How much a rule weighs, and what it lets pass."""

    tolerance: Annotated[Number, Field(ge=0)] | None = Field(
        None, description="What changes by no more than this passes."
    )


class AgeRuleEntry(RuleEntry):
    """How much the age of the evidence weighs, and how old it may be."""

    max_age: Age | None = Field(
        None, description="Of the oldest answer: 12h, 30d, 4w.", examples=["30d"]
    )


LevelOr = Annotated[
    RuleEntry, BeforeValidator(_from_level, json_schema_input_type=GateLevel | RuleEntry)
]
LevelOrTolerant = Annotated[
    TolerantRuleEntry,
    BeforeValidator(_from_level, json_schema_input_type=GateLevel | TolerantRuleEntry),
]
LevelOrAge = Annotated[
    AgeRuleEntry, BeforeValidator(_from_level, json_schema_input_type=GateLevel | AgeRuleEntry)
]


class GateEntry(Written):
    """What `llmroute check` objects to; a rule's level alone, or a mapping with its tolerance."""

    confidence: Annotated[Number, Field(gt=0.5, lt=1)] = Field(
        0.95, description="That a fall in quality, on any of the tasks, is not noise."
    )
    route_changed: LevelOr | None = Field(None, description="Another route; error.")
    bar_missed: LevelOr | None = Field(None, description="No route clears any more; error.")
    quality_fell: LevelOrTolerant | None = Field(
        None, description="Worse answers, beyond noise; error, tolerance 0 of quality."
    )
    cost_rose: LevelOrTolerant | None = Field(
        None, description="Dearer requests; error, tolerance 0.10 of the cost."
    )
    coverage_lost: LevelOrTolerant | None = Field(
        None, description="Fewer scores or samples; error, tolerance 0.02 of the calls."
    )
    evidence_age: LevelOrAge | None = Field(
        None, description="Evidence older than max_age; error where one is set."
    )
    task_removed: LevelOr | None = Field(None, description="A task without a route; error.")
    threshold_lowered: LevelOr | None = Field(None, description="A lower bar; error.")
    cheaper_passes: LevelOr | None = Field(
        None, description="The route moves to a cheaper candidate that now clears; warn."
    )
    price_moved: LevelOrTolerant | None = Field(
        None, description="A candidate's price moved; warn, tolerance 0.05 of the price."
    )
    verdict_weaker: LevelOr | None = Field(None, description="A less sure route; warn.")
    suite_changed: LevelOr | None = Field(None, description="Another suite; warn.")
    candidate_changed: LevelOr | None = Field(
        None, description="Another model, parameters or endpoint under one name; warn."
    )
    reference_changed: LevelOr | None = Field(None, description="Another reference; warn.")
    router_changed: LevelOr | None = Field(
        None, description="A query router that is gone or between others; warn."
    )
    judge_uncalibrated: LevelOr | None = Field(
        None, description="A judge's scores without people's labels; warn."
    )


class RecogniserEntry(Written):
    """How live requests are told apart where no tag or rule decides."""

    embedding: Name = Field(
        RECOGNISER_EMBEDDING,
        description="hashed:DIMENSIONS, local:FOLDER, or a LiteLLM embedding model's id.",
    )


class ConfigFile(Written):
    """llmroute.yaml: what is compared, and what decides."""

    model_config = ConfigDict(title="llmroute configuration")

    suites: Annotated[
        list[Text], BeforeValidator(as_list, json_schema_input_type=str | list[str])
    ] = Field(
        min_length=1,
        description="Suite files, folders or glob patterns, from this file's folder.",
        examples=[["suites/*.yaml"]],
    )
    candidates: list[
        Annotated[
            CandidateEntry,
            BeforeValidator(_from_model_id, json_schema_input_type=str | CandidateEntry),
        ]
    ] = Field(min_length=1, description="The models under comparison.")
    reference: Name | None = Field(
        None, description="The candidate paid for today; default: the best mean quality."
    )
    quality: QualityEntry = Field(
        default_factory=QualityEntry, description="What a route must show."
    )
    judge: JudgeEntry = Field(
        default_factory=JudgeEntry, description="The judge of suites that name none."
    )
    budget: BudgetEntry = Field(default_factory=BudgetEntry, description="What a run may spend.")
    repeats: Annotated[Count, Field(le=1000)] = Field(1, description="Answers to each sample.")
    seed: Seed = Field(0, description="Of every random choice.")
    recogniser: RecogniserEntry = Field(
        default_factory=RecogniserEntry, description="How live requests are told apart."
    )
    concurrency: Annotated[Count, Field(le=10_000)] = Field(
        64, description="Most calls in flight, all candidates together."
    )
    limits: LimitsEntry = Field(
        default_factory=LimitsEntry, description="Of every candidate without its own."
    )
    providers: dict[Name, ProviderEntry] = Field(
        default_factory=dict,
        description="Of all candidates of one key together, by provider or host of api_base.",
        examples=[{"openai": {"rpm": 500, "tpm": 200000}}],
    )
    gate: GateEntry = Field(
        default_factory=GateEntry,
        description="What `llmroute check` objects to.",
        examples=[{"quality_fell": "error", "cost_rose": {"level": "warn", "tolerance": 0.1}}],
    )
    volume: Traffic | None = Field(
        None,
        description="Requests in production, a month or a day: what the report's money is for.",
        examples=["1200000/month", "40000/day"],
    )
    tasks: dict[Name, TaskEntry] = Field(default_factory=dict, description="Per task.")
    store: Text = Field(".llmroute/store.db", description="What was paid for, on disk.")
    out: Text = Field("llmroute-out", description="The folder of the map and the report.")
