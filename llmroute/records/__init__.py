"""The values that cross rooms: frozen, plain, and touching nothing outside themselves.

Order of appearance is the order of the stream: suites and candidates are read, calls are planned,
answered, scored and compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Evidence = Literal["proven", "likely", "mean"]
Verdict = Literal["proven", "likely", "undecided", "fails"]
GateLevel = Literal["error", "warn", "off"]
RECOGNISER_EMBEDDING = "hashed:4096"
CostBasis = Literal["recorded", "measured", "list_price"]
Correction = Literal["rogan_gladen", "ppi"]
"""How people's labels correct a judge's mean: by its errors on the task, or on the cell itself."""
Panel = Literal["mean", "majority"]
PANEL = " + "
"""Between the names of a panel's judges, where they stand as one."""


# -- suites ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message."""

    role: str
    """"system", "user" or "assistant"."""
    content: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One prompt of a suite, and what a right answer says."""

    id: str
    input: str | tuple[Message, ...]
    target: Any = None
    """A JSON value (text, number, list or object); None where nothing is compared with."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Every further key of the sample: what the prompt template and some metrics read."""
    tags: tuple[str, ...] = ()
    difficulty: str | None = None
    weight: float = 1.0
    group: str | None = None
    """Samples of one group (one document, one customer) are not independent: one cluster."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin as it is written in a file: its name and its parameters."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    weight: float = 1.0
    """Share in a weighted combination of metrics; shares need not sum to 1."""


@dataclass(frozen=True, slots=True)
class QualityThreshold:
    """The bar of a task: a number, or a share of another candidate's quality."""

    value: float
    relative_to: Literal["reference", "best"] | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One few-shot example: shown to the model as a user turn and an assistant turn."""

    input: str
    target: str


@dataclass(frozen=True, slots=True)
class Match:
    """How a request of this task is recognised in production.

    By rule, where a keyword or a pattern is found (or none is written) and every condition holds.
    """

    tags: tuple[str, ...] = ()
    """What the request's metadata may say; the task's own name always counts as one."""
    keywords: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    utterances: tuple[str, ...] = ()
    """Example requests, for recognition by likeness; no rule reads them."""
    min_chars: int | None = None
    max_chars: int | None = None
    has_code: bool | None = None
    """A condition: whether a fenced block or lines of code stand in the request."""
    has_json: bool | None = None
    """A condition: whether a JSON object or list of some size stands in it."""
    template: tuple[str, ...] = ()
    """In a map: the fixed words of the suite's prompt, in their order, white space squeezed."""
    system: str | None = None
    """In a map: SHA-256 of the suite's system message, white space squeezed."""


@dataclass(frozen=True, slots=True)
class Level:
    """One answer a criterion allows, in words a judge can hold an answer against."""

    label: str
    value: float
    """In [0, 1]; the judge is not shown it."""
    anchor: str
    """What an answer at this level looks like."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One question a judge answers about an answer."""

    name: str
    question: str
    levels: tuple[Level, ...]
    """Two or three, from worst to best."""
    weight: float = 1.0
    """Share in the rubric's mean; shares need not sum to 1."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What a judge may say, worst first."""
        return tuple(level.label for level in self.levels)

    def value(self, label: str) -> float:
        """What a label is worth, in [0, 1].

        >>> levels = (Level("no", 0.0, "Wrong."), Level("yes", 1.0, "Right."))
        >>> Criterion("right", "Is it right?", levels).value("yes")
        1.0
        """
        return next(level.value for level in self.levels if level.label == label)


@dataclass(frozen=True, slots=True)
class Rubric:
    """What a judge is asked, criterion by criterion."""

    name: str
    criteria: tuple[Criterion, ...]
    prompt: str
    """Template of the judge's user message."""
    description: str = ""
    system: str = ""
    """Template of the system message, the same for every answer."""
    pairwise_prompt: str | None = None
    """Template of the message that shows two answers; None: it can't compare."""
    uses_target: bool = False
    """Whether the judge is shown the sample's target; then every sample needs one."""
    fields: tuple[str, ...] = ()
    """Fields of the sample the judge is shown; every sample needs each of them."""
    short_answers_allowed: bool = False
    """One word can be right; else it scores 0 without a judge."""
    max_words: int | None = None
    """The length an answer is asked to keep to."""
    path: Path | None = None
    """Where it was read from, for messages; no part of its content."""


@dataclass(frozen=True, slots=True)
class JudgeUse:
    """How models grade the answers to a suite."""

    rubric: Rubric
    judges: tuple[str, ...]
    """Their names; several are a panel."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Sent with every judge call, over the judge's own."""
    panel: Panel = "mean"
    pairwise: str | None = None
    """Graded beside this candidate's answers; "reference": the run's reference."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One task's samples, how they are put to a model, and how its answers are scored."""

    name: str
    task: str
    samples: tuple[Sample, ...]
    description: str = ""
    system: str | None = None
    prompt: str = "{{ input }}"
    """Template of the user message over `input`, `labels` and the sample's fields."""
    examples: tuple[Example, ...] = ()
    labels: tuple[str, ...] = ()
    """The allowed answers of a classification task, for the template and the choice metric."""
    metrics: tuple[Plugin, ...] = ()
    judge: JudgeUse | None = None
    """Grades instead of metrics."""
    extract: tuple[Plugin, ...] = ()
    checks: tuple[Plugin, ...] = ()
    """What a cascade sees in the task's answers, and what guards them in production."""
    quality_threshold: QualityThreshold | None = None
    """None: the configuration's."""
    weight: float = 1.0
    """Share of the traffic; shares need not sum to 1."""
    match: Match = Match()
    max_tokens: int | None = None
    """Upper bound of the answer's length for every candidate that does not set its own."""
    path: Path | None = None
    """Where it was read from, for messages; no part of its content."""


# -- candidates -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call as the endpoint counted them; None where it did not say."""

    input_tokens: int | None = None
    """All prompt tokens, cached ones included."""
    output_tokens: int | None = None
    """All generated tokens, reasoning included."""
    cached_input_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What a candidate costs. A price of 0.0 means known to be free, never unknown."""

    input_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None
    cached_input_usd_per_mtok: float | None = None
    """None: cached tokens cost what other prompt tokens cost."""
    usd_per_hour: float | None = None
    """Price of the machine while it answers: own hardware and `builtin/` programs."""
    source: str = "config"

    def cost_usd(self, usage: Usage, busy_s: float | None = None) -> float | None:
        """The price of one answered call, or None where the counts it needs are missing.

        Args:
            usage: tokens of the call.
            busy_s: seconds the machine was busy with it; needed by `usd_per_hour` only.

        >>> Price(1.0, 5.0).cost_usd(Usage(1000, 200))
        0.002
        >>> Price(1.0, 5.0).cost_usd(Usage(1000, None)) is None
        True
        """
        tokens = self._token_cost_usd(usage)
        if self.usd_per_hour is None:
            return tokens
        if busy_s is None:
            return None
        return (tokens or 0.0) + busy_s * self.usd_per_hour / 3600

    def _token_cost_usd(self, usage: Usage) -> float | None:
        if self.input_usd_per_mtok is None or self.output_usd_per_mtok is None:
            return None
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        cached = min(usage.cached_input_tokens or 0, usage.input_tokens)
        cached_price = self.cached_input_usd_per_mtok
        if cached_price is None:
            cached_price = self.input_usd_per_mtok
        fresh = usage.input_tokens - cached
        return (
            fresh * self.input_usd_per_mtok
            + cached * cached_price
            + usage.output_tokens * self.output_usd_per_mtok
        ) / 1e6


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard a candidate may be driven."""

    rpm: float | None = None
    """Requests a minute."""
    tpm: float | None = None
    """Tokens a minute, prompt and answer together."""
    concurrency: int | None = None
    """Most calls in flight; None: the run's."""
    timeout_s: float = 120.0
    max_attempts: int = 4
    """Tries of one call, the first included, where the failure deserves another."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model under comparison."""

    name: str
    """Used everywhere else: in the map, in reports, on the command line."""
    model: str
    """LiteLLM id, `builtin/NAME` or `replay/NAME`."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Sent with every call: temperature, max_tokens, reasoning_effort, ..."""
    price: Price | None = None
    """None: unpriced, and so never the cheapest."""
    limits: Limits = Limits()
    api_base: str | None = None
    api_key: str | None = field(default=None, repr=False)
    """The key's value, never stored, logged or hashed; None: the provider's own variable."""
    api_key_variable: str | None = None
    """Where the configuration reads the key from; no secret, so the map may name it."""
    adapter: Literal["auto", "litellm", "direct"] = "auto"
    recording: Path | None = None
    tags: tuple[str, ...] = ()

    @property
    def provider(self) -> str:
        """The part of the model id before the first slash, or "" where there is none."""
        provider, slash, _ = self.model.partition("/")
        return provider if slash else ""


# -- calls ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Call:
    """A planned request: one candidate's answer to one sample, for the n-th time."""

    key: str
    """Content hash of endpoint, model, messages, parameters and repeat: the store's key."""
    suite: str
    task: str
    sample_id: str
    candidate: Candidate
    messages: tuple[Message, ...]
    messages_digest: str
    """Content hash of the messages alone, shared by all candidates."""
    params: Mapping[str, Any]
    repeat: int = 0
    labels: tuple[str, ...] = ()
    """The suite's allowed answers; `builtin/` candidates may choose from them."""


@dataclass(frozen=True, slots=True)
class Completion:
    """An answered call."""

    key: str
    output: str
    usage: Usage = Usage()
    finish_reason: str | None = None
    """"stop", "length", "content_filter", "tool_calls" or what the endpoint said."""
    latency_s: float | None = None
    """Wall time of the attempt that was answered; None in recordings that lack it."""
    busy_s: float | None = None
    """Seconds of machine time to be paid by the hour; None where nothing is."""
    recorded_cost_usd: float | None = None
    """Cost as the provider or the recording states it."""
    model_returned: str | None = None
    """The model id the endpoint says has answered."""
    attempts: int = 1
    created_s: float = 0.0
    """Unix time of the answer."""

    def cost_usd(self, price: Price | None) -> float | None:
        """What the answer cost: as recorded, else counts × price; None where neither is known.

        A machine paid by the hour whose share was not measured is charged for the whole latency.
        """
        if self.recorded_cost_usd is not None or price is None:
            return self.recorded_cost_usd
        busy_s = self.latency_s if self.busy_s is None else self.busy_s
        return price.cost_usd(self.usage, busy_s)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call has no answer."""

    key: str
    kind: str
    """A `CallError.kind`."""
    message: str
    status: int | None = None
    latency_s: float | None = None
    attempts: int = 1
    created_s: float = 0.0


# -- scores and outcomes --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Score:
    """One completion's value, or why it has none."""

    value: float | None
    """In [0, 1], higher is better; None: not scored, and `reason` says why."""
    prediction: str | None = None
    """What `extract` found in the output."""
    parts: Mapping[str, float] = field(default_factory=dict)
    """Each metric's own value, where several are combined."""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One candidate's result on one sample: the interchange form of a bench."""

    task: str
    sample_id: str
    candidate: str
    repeat: int = 0
    score: float | None = None
    reason: str | None = None
    """Why there is no score: a failure kind ("timed_out", ...) or "not_scored: ..."."""
    answered: bool = False
    output: str | None = None
    prediction: str | None = None
    usage: Usage = Usage()
    busy_s: float | None = None
    recorded_cost_usd: float | None = None
    latency_s: float | None = None
    finish_reason: str | None = None
    weight: float = 1.0
    group: str | None = None
    judge: str | None = None
    """Who graded it, a panel joined by `PANEL`; None: a metric did."""
    parts: Mapping[str, float] = field(default_factory=dict)
    """Each criterion's value; of a panel "judge NAME", of a comparison "flipped"."""
    rubric: str | None = None
    """What the judge went by; None: not known, or a metric scored it."""
    labels: Mapping[str, float] = field(default_factory=dict)
    """Person → the score they gave the answer, or of a comparison how far it is the better one."""
    label_weight: float = 1.0
    """How many answers a labelled one stands for, up to a factor."""

    def cost_usd(self, price: Price | None) -> float | None:
        """What the answer cost, as of `Completion.cost_usd`; None where there is no answer."""
        if self.recorded_cost_usd is not None or price is None or not self.answered:
            return self.recorded_cost_usd
        return price.cost_usd(self.usage, self.latency_s if self.busy_s is None else self.busy_s)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What was asked, once a sample, beside the outcomes of all candidates on it."""

    task: str
    sample_id: str
    text: str | None
    target: Any = None
    tags: tuple[str, ...] = ()
    difficulty: str | None = None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """All results of one run, or of one or more outcomes files."""

    rows: tuple[Outcome, ...]
    prompts: Mapping[tuple[str, str], Prompt] = field(default_factory=dict)
    """(task, sample_id) → Prompt."""


@dataclass(frozen=True, slots=True)
class Label:
    """What one person, or one judge, says of an answer, or of two beside each other."""

    task: str
    sample_id: str
    candidate: str
    rater: str
    score: float
    """In [0, 1]; beside a rival: 1 the candidate's answer is better, 0 the rival's, 0.5 a tie."""
    repeat: int = 0
    rival: str | None = None
    """The other candidate, where two answers were compared."""
    weight: float = 1.0
    """How many answers it stands for: one over the chance of having been drawn for labelling."""
    group: str | None = None
    """Labels of one group (one prompt, one document) are not independent."""
    answer_digest: str | None = None
    """Of the answer that was read, so that a later one does not inherit the label."""
    where: str = ""
    """File and line, for messages."""


# -- logs -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request that was served, as a gateway's log tells it; None: the log does not say."""

    where: str
    """File and line, for messages."""
    id: str | None
    models: tuple[str, ...]
    """Every name the log gives the model that answered: as asked for, as served, with provider."""
    fate: Literal["answered", "failed", "cached", "no_chat"] = "answered"
    """"cached": from the gateway's cache, so that no model was asked."""
    request: str | tuple[Mapping[str, Any], ...] | None = None
    """Text, or chat messages as APIs take them."""
    time_s: float | None = None
    """Unix time at which it came."""
    usage: Usage = Usage()
    cost_usd: float | None = None
    latency_s: float | None = None
    task: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    score: float | None = None
    propensity: float | None = None
    """Probability, in (0, 1], with which this model was chosen when it was chosen at random."""
    others: tuple[Outcome, ...] = ()
    """Results of other models on the same request."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The whole entry, for fields a user names."""


# -- comparison -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its bounds."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class JudgeEvidence:
    """Who judged the answers to a task, and how far that can be trusted."""

    judges: tuple[str, ...]
    """Several are a panel."""
    rubric: str | None
    calibrated: bool
    """Whether people's labels correct its scores; else it is taken at its word: no proof."""
    reason: str
    """Why it is not calibrated, or what corrects it, as a clause."""
    n_labels: int
    """Answers of the task that people labelled."""
    agreement: Interval | None = None
    """Krippendorff's α of the judge and people."""
    ceiling: Interval | None = None
    """The same among people, where two or more labelled the same answers."""
    flip_rate: float | None = None
    """Share of comparisons that turn when the answers change places; None: nothing is compared."""
    unreadable_share: float = 0.0
    """Share of the answers it was asked about whose verdict cannot be read."""
    effective_votes: float | None = None
    """What a panel is worth in independent judges; None: one judge, or not known."""
    correction: Correction | None = None
    """By which estimator the quality is corrected."""


@dataclass(frozen=True, slots=True)
class JudgeDiagnosis:
    """What sways a task's judge beside the answers' worth."""

    task: str
    evidence: JudgeEvidence
    families: tuple[str, ...]
    """Who made the judges, as far as their ids tell."""
    own_candidates: tuple[str, ...]
    """Candidates of the same families."""
    length_slope: Interval | None
    """Change of the score with each doubling of an answer's length, within a candidate."""
    own_family: Interval | None
    """How much better it finds its own family's answers than others find them."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One candidate on one task: everything the choice and the report need."""

    task: str
    candidate: str
    verdict: Verdict
    reason: str
    """Why the verdict is what it is, as a clause a person can read."""
    quality_threshold: float | None
    """The bar in quality units; None where it is relative to something nobody scored."""
    n_samples: int
    """Distinct samples of the task."""
    n_planned: int
    """Samples × repeats."""
    n_answered: int
    n_scored: int
    failures: Mapping[str, int]
    """Failure kind or "not_scored" → how many."""
    quality: float | None
    """Mean score over what was scored; None where nothing was."""
    quality_low: float | None
    """One-sided lower bound at the run's confidence."""
    quality_high: float | None
    difference: Interval | None
    """Relative bars: mean of s − share·s_other over paired samples, with one-sided bounds."""
    cost_usd_per_1k: float | None
    """Mean cost of 1,000 requests; None: not priced."""
    cost_basis: CostBasis | None
    unpriced_reason: str | None
    latency_p50_s: float | None
    latency_p95_s: float | None
    input_tokens: float | None
    """Mean a request."""
    output_tokens: float | None
    samples_needed: int | None
    """Further samples that would settle an undecided cell at its present quality."""
    on_frontier: bool
    """No other candidate of the task is at least as good and cheaper."""
    judged_quality: float | None = None
    """The judge's own mean, where `quality` is corrected by people's labels."""
    judge: JudgeEvidence | None = None
    """Who judged its answers; None: a metric scored them."""

    @property
    def coverage(self) -> float:
        """Share of the planned calls that carry a score, in [0, 1]."""
        return self.n_scored / self.n_planned if self.n_planned else 0.0


@dataclass(frozen=True, slots=True)
class QualityRule:
    """What a candidate must show before it is routed to."""

    threshold: QualityThreshold = QualityThreshold(0.85)
    evidence: Evidence = "likely"
    confidence: float = 0.95
    margin: float = 0.05
    min_coverage: float = 0.98
    min_labels: int = 50
    """Labelled answers of a task below which its judge counts as uncalibrated."""


@dataclass(frozen=True, slots=True)
class TaskLimits:
    """What else a route must keep to, and who is not asked."""

    max_latency_p95_s: float | None = None
    max_cost_usd_per_1k: float | None = None
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskComparison:
    """All candidates of one task, in candidate order."""

    task: str
    quality_threshold: float | None
    """The bar in quality units; None where it is relative and nothing could be compared."""
    threshold_rule: QualityThreshold
    weight: float
    cells: tuple[Cell, ...]
    costs_usd: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    """Candidate → mean cost of each sample, samples in one order for all; None: not known."""

    def cell(self, candidate: str) -> Cell | None:
        """The candidate's cell, or None where it is not part of the task."""
        return next((cell for cell in self.cells if cell.candidate == candidate), None)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every task × candidate, compared under one rule."""

    rule: QualityRule
    reference: str
    """What is paid for today; savings are against it."""
    reference_chosen: bool
    """Whether a person named it; else it is the candidate with the best mean quality."""
    candidates: tuple[str, ...]
    tasks: tuple[TaskComparison, ...]
    judges: tuple[JudgeDiagnosis, ...] = ()
    """One for each task that a judge scored."""


# -- routing map ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rejected:
    """A candidate that is not the route, and why."""

    candidate: str
    verdict: Verdict
    reason: str
    quality: float | None
    quality_low: float | None
    quality_high: float | None
    coverage: float
    cost_usd_per_1k: float | None
    samples_needed: int | None


@dataclass(frozen=True, slots=True)
class TaskEvidence:
    """What is known of the route on its task."""

    n_samples: int
    coverage: float
    quality: float | None
    quality_low: float | None
    quality_high: float | None
    cost_usd_per_1k: float | None
    cost_basis: CostBasis | None
    latency_p50_s: float | None
    latency_p95_s: float | None
    suite_hash: str | None = None
    judge: JudgeEvidence | None = None
    """Who judged it; None: a metric scored it."""


@dataclass(frozen=True, slots=True)
class TaskRoute:
    """Where requests of one task go."""

    task: str
    route: str
    fallbacks: tuple[str, ...]
    verdict: Verdict | Literal["fallback"]
    """The route's own verdict; "fallback": none clears, so the reference answers."""
    reason: str
    quality_threshold: float | None
    threshold_rule: QualityThreshold
    weight: float
    evidence: TaskEvidence
    rejected: tuple[Rejected, ...]
    limits: TaskLimits = TaskLimits()
    """What else the route had to keep to."""

    def cost_usd_per_1k(self, candidate: str) -> float | None:
        """What 1,000 of the task's requests cost with this candidate; None: not known."""
        if candidate == self.route:
            return self.evidence.cost_usd_per_1k
        costs = {other.candidate: other.cost_usd_per_1k for other in self.rejected}
        return costs.get(candidate)

    def quality(self, candidate: str) -> float | None:
        """The candidate's mean score on the task; None: not known."""
        if candidate == self.route:
            return self.evidence.quality
        qualities = {other.candidate: other.quality for other in self.rejected}
        return qualities.get(candidate)


@dataclass(frozen=True, slots=True)
class Savings:
    """The map's cost beside the reference's, for 1,000 requests in the suites' traffic shares."""

    reference_usd_per_1k: float | None
    routed_usd_per_1k: float | None
    saved_usd_per_1k: Interval | None
    saved_share: Interval | None
    """1 − routed / reference."""
    reason: str | None = None
    """Why there is no figure."""


@dataclass(frozen=True, slots=True)
class Volume:
    """How many requests there are in production."""

    requests: float
    period: Literal["day", "month"]


@dataclass(frozen=True, slots=True)
class Spending:
    """What the calls behind a map cost, at the prices it was made with."""

    answers_usd: float
    judges_usd: float
    n_unknown: int
    """Answered calls whose cost is not known; they are in neither figure."""

    @property
    def total_usd(self) -> float:
        """Answers and verdicts together."""
        return self.answers_usd + self.judges_usd


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the map was made from; nothing in it depends on when the map was written."""

    run_id: str | None = None
    started: str | None = None
    """UTC, ISO 8601."""
    oldest_answer: str | None = None
    """UTC, ISO 8601: a run may stand on answers the store has kept since long before it."""
    suites: Mapping[str, str] = field(default_factory=dict)
    """Task → content hash of its suite."""
    candidates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Candidate → model, parameters, price, endpoint."""
    versions: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    repeats: int = 1
    strategy: str = "grid"
    race: Mapping[str, float] | None = None
    """strategy "race": the risk of another route than the grid's, a task, and calls and dollars
    spent beside what the grid would have taken."""
    sources: tuple[str, ...] = ()
    """Outcomes files the map was made from, by name and hash."""


@dataclass(frozen=True, slots=True)
class QueryRouter:
    """A calibrated router: which queries the strong model answers, and which the weak one."""

    router: str
    """The plugin's name."""
    artefact: str
    """File name of the saved router, beside the map."""
    sha256: str
    """Of that file."""
    weak: str
    strong: str
    routing_threshold: float
    """`strong_win_rate >= routing_threshold` sends a query to the strong model."""
    strong_share: Interval
    """Out-of-fold, as `apgr` is; in [0, 1]."""
    apgr: Interval
    embedding: str | None = None
    task: str | None = None
    """None: queries of every task."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """A calibrated cascade: weak answers first, and which of them the strong model answers again.

    Beside a query router, it looks at the answers to what that one sends to the weak model.
    """

    escalator: str
    """The plugin's name."""
    artefact: str
    """File name of the saved cascade, beside the map."""
    sha256: str
    """Of that file."""
    weak: str
    strong: str
    routing_threshold: float
    """`escalation_score >= routing_threshold` asks the strong model too."""
    strong_share: Interval
    """Of all queries, those that the strong model answers; out-of-fold, as all here."""
    apgr: Interval
    saving: Interval | None = None
    """1 − cost / cost of the strong model alone, both calls counted; None: not known."""
    task: str | None = None
    """None: queries of every task."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """Samples of one task that were taken for another's, and what that does to them."""

    form: Literal["whole", "prompt", "bare"]
    """With the suite's system message, without it, or the samples' own words alone."""
    task: str
    recognised: str | None
    """None: unknown, so the reference answers."""
    layer: Literal["rule", "semantic", "unknown"]
    """What took them for it."""
    model: str
    """Who answers them then."""
    n: int
    quality_loss: float | None
    """How much further below the task's bar that model is than the right one, in [0, 1]; None:
    it was not scored on the task."""
    extra_usd_per_1k: float | None
    """What 1,000 of them cost more than by the right route; None: not known."""
    samples: tuple[str, ...]
    """Some of them, by their ids."""


@dataclass(frozen=True, slots=True)
class RecognitionFigures:
    """How requests of one form were recognised by what had not seen them."""

    form: Literal["whole", "prompt", "bare"]
    n: int
    accuracy: float
    """Share whose task was found; unknown is no task."""
    unknown: float
    by_rule: float
    """Share that a rule or the suite's own template decided."""
    quality_loss: float
    """Mean over all of them, in the tasks' traffic shares; a model not scored counts as 0."""
    extra_usd_per_1k: float | None


@dataclass(frozen=True, slots=True)
class OutOfScope:
    """How requests were taken that are of none of the tasks."""

    kind: Literal["other_tasks", "background"]
    """Samples of tasks that were left out of the fit, or what people ask of any assistant."""
    n: int
    accepted: float
    """Share that was taken for a task's all the same."""
    quality_loss: float | None
    """Mean, by the evidence on the left-out tasks; None: nothing is known of the background."""


@dataclass(frozen=True, slots=True)
class FittedRecogniser:
    """What tasks are recognised by where no tag or rule decides, and how well."""

    tasks: tuple[str, ...]
    embedding: str
    embedding_id: str
    """What tells the embedder from another of its name."""
    threshold: float
    """`similarity >= threshold` takes a request for the likeliest task's; below: unknown."""
    n_samples: Mapping[str, int]
    """Task → samples it was fitted and judged on."""
    figures: tuple[RecognitionFigures, ...]
    confusions: tuple[Confusion, ...]
    out_of_scope: tuple[OutOfScope, ...]
    weights: str
    """One linear score a task, packed as base64."""
    sha256: str
    """Of all that decides."""


@dataclass(frozen=True, slots=True)
class RoutingMap:
    """Task → route, with the evidence for it."""

    reference: str
    rule: QualityRule
    tasks: tuple[TaskRoute, ...]
    savings: Savings
    matches: Mapping[str, Match] = field(default_factory=dict)
    checks: Mapping[str, tuple[Plugin, ...]] = field(default_factory=dict)
    """Task → the checks its answers must pass in production."""
    provenance: Provenance = Provenance()
    notes: tuple[str, ...] = ()
    """Warnings a reader must see: too few samples, a suite that a rule solves, ..."""
    query_router: QueryRouter | None = None
    """Where one was calibrated and has earned its place."""
    cascade: Cascade | None = None
    """The same; with a query router, both belong together."""
    recogniser: FittedRecogniser | None = None
    """None: one task, or too few samples to learn the tasks from."""


# -- gate -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RuleSetting:
    """What a person says of one of the gate's rules; None: the rule's own default."""

    level: GateLevel | None = None
    tolerance: float | None = None
    """In the rule's unit: what changes by no more than this passes."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate objects to."""

    rules: Mapping[str, RuleSetting] = field(default_factory=dict)
    max_age_days: float | None = None
    """None: evidence may be of any age."""
    confidence: float = 0.95
    """Noise alone is called a fall in quality, on any of the tasks, at most 1 − this often."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a figure moved between two maps, and how likely that is where nothing changed."""

    difference: float
    """After − before."""
    p_value: float
    """One-sided, in the direction that is worse."""
    n_paired: int | None
    """Samples measured for both maps; None: the two intervals were compared."""


@dataclass(frozen=True, slots=True)
class TaskChange:
    """One task in the previous map and in this one."""

    task: str
    before: TaskRoute | None
    """None: the task is new."""
    after: TaskRoute | None
    """None: the task is gone."""
    quality: Shift | None = None
    """Of the answers its requests get: the previous route's then, this route's now."""
    cost: Shift | None = None
    """Of the same requests, in US dollars each; None: not measured sample by sample."""
    drift: Shift | None = None
    """Quality of the previous route's candidate itself, where it is another now."""


@dataclass(frozen=True, slots=True)
class SectionChange:
    """A section of the map, such as `query_router`, that is not a task's route."""

    name: str
    change: Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class MapChange:
    """A routing map beside the previous one."""

    before: RoutingMap | None
    """None: there is no previous map."""
    after: RoutingMap
    tasks: tuple[TaskChange, ...] = ()
    """The previous map's order, then the new tasks."""
    sections: tuple[SectionChange, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be compared as it should, and why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the gate objects to."""

    rule: str
    level: GateLevel
    task: str | None
    """None: it is about the whole map."""
    what: str
    before: str
    after: str
    why: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """The gate's answer: what changed, what it objects to, and why."""

    change: MapChange
    findings: tuple[Finding, ...]
    """Errors before warnings, tasks in the map's order."""

    @property
    def passed(self) -> bool:
        """Whether there is no error; warnings pass."""
        return not self.of_level("error")

    @property
    def routes_changed(self) -> bool:
        """Whether any request may be answered by another candidate than before."""
        return any(
            (task.before and task.before.route) != (task.after and task.after.route)
            for task in self.change.tasks
        )

    def of_level(self, level: GateLevel) -> tuple[Finding, ...]:
        """The findings of one level."""
        return tuple(finding for finding in self.findings if finding.level == level)


# -- configuration --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may spend."""

    max_usd: float | None = None
    """None: no cap."""
    confirm_usd: float = 1.0
    """A plan dearer than this is confirmed by a person first."""


@dataclass(frozen=True, slots=True)
class Judging:
    """Who grades the suites that a judge grades, where they do not say it themselves."""

    models: tuple[Candidate, ...] = ()
    """The judges; more than one are a panel. A suite may name one of them, or another model."""
    rubric: str | None = None
    """Of suites with neither metric nor judge: a shipped rubric's name, or a file."""
    panel: Panel = "mean"
    pairwise: str | None = None
    allow_self_judging: bool = False
    """Whether a judge may grade its own model's answers."""
    labels: tuple[Path, ...] = ()
    """Files of people's labels, by which its scores are corrected."""


@dataclass(frozen=True, slots=True)
class Config:
    """llmroute.yaml as it is meant: paths resolved, environment values filled in."""

    suites: tuple[Path, ...]
    """Suite files, folders of them, or glob patterns."""
    candidates: tuple[Candidate, ...]
    reference: str | None = None
    """What is paid for today; None: the candidate with the best mean quality."""
    quality: QualityRule = QualityRule()
    judge: Judging = Judging()
    budget: Budget = Budget()
    repeats: int = 1
    seed: int = 0
    concurrency: int = 64
    """Most calls in flight, all candidates together."""
    provider_limits: Mapping[str, Limits] = field(default_factory=dict)
    """Provider, or host of an api_base → what all candidates of one key keep to together."""
    task_limits: Mapping[str, TaskLimits] = field(default_factory=dict)
    task_thresholds: Mapping[str, QualityThreshold] = field(default_factory=dict)
    """Task → its own bar, before the suite's and the configuration's."""
    gate: Gate = Gate()
    recogniser_embedding: str = RECOGNISER_EMBEDDING
    """What tells tasks apart by likeness, as `llmroute.embeddings` names embedders."""
    volume: Volume | None = None
    """The traffic in production; None: not stated."""
    store: Path = Path(".llmroute/store.db")
    out: Path = Path("llmroute-out")
    path: Path | None = None
    """The file it was read from; None: the embedded default."""

    @property
    def folder(self) -> Path:
        """The folder of the configuration file; the current one where there is no file."""
        return self.path.parent if self.path else Path()
