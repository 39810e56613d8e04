"""What a routing map file says: its models, from which its JSON Schema is made."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class IntervalFile(_Model):
    """An estimate with its two-sided bounds."""

    value: float
    low: float
    high: float


class RelativeThresholdFile(_Model):
    """A bar that is a share of another candidate's quality."""

    of_reference: Share | None = None
    of_best: Share | None = None


class QualityFile(_Model):
    """The rule every route was chosen under."""

    threshold: Share | RelativeThresholdFile
    evidence: Literal["proven", "likely", "mean"]
    confidence: Annotated[float, Field(gt=0, lt=1)]
    margin: Share
    min_coverage: Share
    min_labels: Annotated[int, Field(ge=1)] = Field(
        default=50, description="Labels of a task below which its judge is uncalibrated."
    )


class JudgingFile(_Model):
    """Who judged the answers to a task, and how far that can be trusted."""

    judges: list[str] = Field(description="Several are a panel.")
    rubric: str | None
    reason: str = Field(description="Why it is not calibrated, or what corrects it.")
    n_labels: Annotated[int, Field(ge=0)] = Field(description="Answers that people labelled.")
    agreement: IntervalFile | None = Field(
        default=None, description="Krippendorff's alpha of the judge and people."
    )
    ceiling: IntervalFile | None = Field(
        default=None, description="The same among people who labelled the same answers."
    )
    flip_rate: Share | None = Field(
        default=None, description="Comparisons that turn when the answers change places."
    )
    unreadable_share: Share = Field(description="Share of verdicts that cannot be read.")
    effective_votes: Annotated[float, Field(ge=1)] | None = Field(
        default=None, description="What a panel is worth in independent judges."
    )
    correction: Literal["rogan_gladen", "ppi"] | None = Field(
        default=None, description="The estimator that corrects the quality."
    )


class EvidenceFile(_Model):
    """What is known of the route on its task."""

    n_samples: Annotated[int, Field(ge=0)]
    coverage: Share = Field(description="Share of the planned calls that carry a score.")
    quality: Share | None = Field(description="Mean score.")
    quality_low: Share | None = Field(description="One-sided lower bound at the confidence.")
    quality_high: Share | None = Field(description="One-sided upper bound at the confidence.")
    cost_usd_per_1k: Amount | None = Field(description="USD for 1,000 requests; null: unknown.")
    cost_basis: Literal["recorded", "measured", "list_price"] | None
    latency_p50_s: Amount | None
    latency_p95_s: Amount | None
    suite_hash: str | None = None
    judge: Literal["calibrated", "uncalibrated"] | None = Field(
        default=None,
        description="Whether people's labels correct the judge's scores; none: a metric scored it.",
    )
    judging: JudgingFile | None = None


class RejectedFile(_Model):
    """A candidate that is not the route, and why."""

    candidate: str
    verdict: Literal["proven", "likely", "undecided", "fails"]
    reason: str
    quality: Share | None
    quality_low: Share | None
    quality_high: Share | None
    coverage: Share
    cost_usd_per_1k: Amount | None
    samples_needed: Annotated[int, Field(ge=1)] | None = Field(
        description="Further samples that would settle it at its present quality."
    )


class MatchFile(_Model):
    """How a request of the task is recognised."""

    tags: list[str] = []
    keywords: list[str] = []
    patterns: list[str] = []
    utterances: list[str] = []
    min_chars: Annotated[int, Field(ge=1)] | None = None
    max_chars: Annotated[int, Field(ge=1)] | None = None
    has_code: bool | None = None
    has_json: bool | None = None
    template: list[str] = Field(
        default=[], description="The fixed words of the suite's prompt, in their order."
    )
    system: str | None = Field(
        default=None,
        description="SHA-256 of the suite's system message, white space squeezed.",
        pattern="^[0-9a-f]{64}$",
    )


class LimitsFile(_Model):
    """What else the route had to keep to, and who was not asked."""

    max_latency_p95_s: Amount | None = None
    max_cost_usd_per_1k: Amount | None = None
    excluded: list[str] = []


class CheckFile(_Model):
    """A check that needs no target; every further key is one of its parameters."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    name: str


class TaskFile(_Model):
    """Where requests of one task go."""

    route: str
    fallbacks: list[str]
    verdict: Literal["proven", "likely", "undecided", "fails", "fallback"] = Field(
        description="The route's verdict; fallback: no candidate clears, the reference answers."
    )
    reason: str
    quality_threshold: float | None = Field(description="The bar in quality units.")
    threshold: RelativeThresholdFile | None = Field(
        default=None, description="The rule behind a bar that is relative to another candidate."
    )
    weight: Annotated[float, Field(gt=0)] = 1.0
    limits: LimitsFile | None = None
    evidence: EvidenceFile
    match: MatchFile | None = None
    checks: list[str | CheckFile] = Field(
        default=[], description="What an answer must pass before it stands."
    )
    rejected: list[RejectedFile]


class SavingsFile(_Model):
    """The map's cost beside the reference's, for 1,000 requests in the tasks' traffic shares."""

    reference_usd_per_1k: Amount | None
    routed_usd_per_1k: Amount | None
    saved_usd_per_1k: IntervalFile | None
    saved_share: IntervalFile | None
    reason: str | None = Field(default=None, description="Why there is no figure.")


class ProvenanceFile(_Model):
    """What the map was made from."""

    run_id: str | None = None
    started: str | None = None
    oldest_answer: str | None = Field(
        default=None, description="When the oldest answer was given; a run may reuse old ones."
    )
    suites: dict[str, str] = {}
    candidates: dict[str, dict[str, Any]] = {}
    versions: dict[str, str] = {}
    seed: int = 0
    repeats: int = 1
    strategy: str = "grid"
    race: dict[str, float] | None = Field(
        default=None,
        description="strategy race: risk of another route than the grid's, calls and dollars spent "
        "beside the grid's.",
    )
    sources: list[str] = []


class QueryRouterFile(_Model):
    """Which queries go to the strong model, decided prompt by prompt."""

    router: str
    artefact: str = Field(
        description="The saved router, a file name beside the map.", pattern=r"^[^/\\]+$"
    )
    sha256: str = Field(description="Of that file.", pattern="^[0-9a-f]{64}$")
    weak: str
    strong: str
    routing_threshold: float = Field(
        description="strong_win_rate >= routing_threshold sends a query to the strong model."
    )
    strong_share: IntervalFile = Field(description="Share of queries sent there, out of fold.")
    apgr: IntervalFile = Field(
        description="Average share of the quality gap recovered, out of fold; random: 0.5."
    )
    embedding: str | None = Field(default=None, description="The embedder it reads prompts with.")
    task: str | None = Field(default=None, description="Its task; none: queries of every task.")


class CascadeFile(_Model):
    """Which weak answers do not stand, so that the strong model is asked too.

    Beside a query router, it looks at the answers to what that one sends to the weak model.
    """

    escalator: str
    artefact: str = Field(
        description="The saved cascade, a file name beside the map.", pattern=r"^[^/\\]+$"
    )
    sha256: str = Field(description="Of that file.", pattern="^[0-9a-f]{64}$")
    weak: str
    strong: str
    routing_threshold: float = Field(
        description="escalation_score >= routing_threshold asks the strong model too."
    )
    strong_share: IntervalFile = Field(
        description="Share of all queries that the strong model answers, out of fold."
    )
    apgr: IntervalFile = Field(
        description="Average share of the quality gap recovered, out of fold; random: 0.5."
    )
    saving: IntervalFile | None = Field(
        default=None, description="Against the strong model alone, both calls counted."
    )
    task: str | None = Field(default=None, description="Its task; none: queries of every task.")


class RecognitionFile(_Model):
    """How requests of one form were recognised by what had not seen them."""

    form: Literal["whole", "prompt", "bare"] = Field(
        description="whole: with the suite's system message; prompt: without it; bare: the "
        "sample's own words, without the suite's."
    )
    n: Annotated[int, Field(ge=1)]
    accuracy: Share = Field(description="Share whose task was found; unknown is no task.")
    unknown: Share
    by_rule: Share = Field(description="Share that a rule or the suite's own words decided.")
    quality_loss: Amount = Field(
        description="Mean quality further below the task's bar than by the right route; a model "
        "not scored on the task counts as 0."
    )
    extra_usd_per_1k: float | None = Field(description="Cost beyond the right route's.")


class ConfusionFile(_Model):
    """Samples of one task that were taken for another's, or for unknown."""

    form: Literal["whole", "prompt", "bare"]
    task: str
    recognised: str | None = Field(description="null: unknown, so the reference answers.")
    layer: Literal["rule", "semantic", "unknown"] = Field(description="What took them for it.")
    model: str = Field(description="Who answers them then.")
    n: Annotated[int, Field(ge=1)]
    quality_loss: Amount | None = Field(description="null: not scored on the task.")
    extra_usd_per_1k: float | None
    samples: list[str] = Field(description="Some of them.")


class OutOfScopeFile(_Model):
    """How requests were taken that are of none of the tasks."""

    kind: Literal["other_tasks", "background"] = Field(
        description="other_tasks: samples of tasks that were left out of the fit; background: "
        "what people ask of any assistant."
    )
    n: Annotated[int, Field(ge=1)]
    accepted: Share = Field(description="Share that was taken for a task's all the same.")
    quality_loss: Amount | None = Field(description="null: nothing is known of the background.")


class RecogniserFile(_Model):
    """What tasks are recognised by where no tag or rule decides, and how well, out of fold."""

    tasks: list[str]
    embedding: str
    embedding_id: str
    threshold: float = Field(
        description="similarity >= threshold takes a request for the likeliest task's; below: "
        "unknown, and the reference answers."
    )
    n_samples: dict[str, Annotated[int, Field(ge=1)]]
    figures: list[RecognitionFile]
    confusions: list[ConfusionFile]
    out_of_scope: list[OutOfScopeFile]
    weights: str = Field(description="One linear score a task, packed as base64.")
    sha256: str = Field(description="Of all that decides.", pattern="^[0-9a-f]{64}$")


class RoutingMapFile(_Model):
    """A routing map: for each task the cheapest candidate that clears its bar, with evidence."""

    version: Literal[1]
    generated_by: str
    reference: str
    quality: QualityFile
    tasks: dict[str, TaskFile]
    savings: SavingsFile
    query_router: QueryRouterFile | None = None
    cascade: CascadeFile | None = None
    recogniser: RecogniserFile | None = None
    provenance: ProvenanceFile = ProvenanceFile()
    notes: list[str] = []
    digest: str | None = Field(
        default=None,
        description="SHA-256 of all else that stands here: an edit by hand no longer fits it.",
    )
