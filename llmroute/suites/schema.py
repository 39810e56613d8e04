"""What may be written in a suite file, and in one of its samples."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

import regex
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from llmroute.checks import CHECKS
from llmroute.config.faults import RefusedError
from llmroute.config.fields import (
    Count,
    Name,
    Positive,
    Text,
    Threshold,
    Written,
    as_list,
)
from llmroute.config.schema import Params
from llmroute.metrics import METRICS
from llmroute.records import Message, Panel
from llmroute.scores.extract import EXTRACTORS

RESERVED_FIELDS = ("labels", "loop")
"""Names a sample's own fields may not carry: the template means something else by them."""
ROLES = ("assistant", "system", "user")
MAX_PATTERN_CHARACTERS = 2_000


class MessageEntry(Written):
    """One message of a conversation."""

    role: str = Field(description="user, assistant, or system in first place.")
    content: str = Field(description="Its text.")


def read_input(value: Any) -> str | tuple[Message, ...]:
    """A sample's input: text, or a conversation that ends with the user.

    Raises:
        RefusedError: it is neither.

    >>> read_input([{"role": "user", "content": "hi"}])
    (Message(role='user', content='hi'),)
    """
    if isinstance(value, str) and value.strip():
        return value
    if not isinstance(value, list) or not value:
        fix = "Write text (in quotes if it looks like a number) or a list of {role, content}."
        raise RefusedError("'input' should be text or a list of messages, and not empty", fix)
    messages = tuple(_read_message(entry, index) for index, entry in enumerate(value))
    if messages[-1].role != "user":
        fix = "End with the user's message; the answer is what the candidates are asked for."
        raise RefusedError("the last message is not the user's", fix, at=(len(messages) - 1,))
    return messages


def _read_message(entry: Any, index: int) -> Message:
    fix = "Write {role: user, content: '…'}."
    if not isinstance(entry, dict) or set(entry) != {"role", "content"}:
        raise RefusedError("a message has exactly 'role' and 'content'", fix, at=(index,))
    role, content = entry["role"], entry["content"]
    if role not in ROLES or (role == "system" and index > 0):
        fix = "Roles are user and assistant, and system in the first place."
        raise RefusedError("the message's role cannot be used", fix, at=(index, "role"))
    if not isinstance(content, str) or not content.strip():
        raise RefusedError("the message's content should be text", fix, at=(index, "content"))
    return Message(role, content)


def _text_of_integer(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Label = Annotated[Name, BeforeValidator(_text_of_integer, json_schema_input_type=str | int)]


class SampleEntry(Written):
    """One prompt, and what a right answer says. Further keys are fields for the template."""

    model_config = ConfigDict(extra="allow", title="sample")

    id: Label = Field(description="Unique in the suite.")
    input: Annotated[
        str | tuple[Message, ...],
        PlainValidator(read_input, json_schema_input_type=str | list[MessageEntry]),
    ] = Field(description="The prompt's text, or a conversation that ends with the user.")
    target: Any = Field(None, description="What a right answer says: any JSON value.")
    tags: Annotated[
        list[Name], BeforeValidator(as_list, json_schema_input_type=str | list[str])
    ] = Field(default_factory=list, description="Free labels, to filter by.")
    difficulty: Name | None = Field(None, examples=["easy", "medium", "hard"])
    weight: Positive = Field(1.0, description="Share in the suite's mean.")
    group: Label | None = Field(None, description="Samples of one document or customer.")

    @model_validator(mode="after")
    def _is_json(self) -> SampleEntry:
        for name in RESERVED_FIELDS:
            if name in (self.model_extra or {}):
                fix = f"Rename the field: in a template {name!r} means something else."
                raise RefusedError(f"the field {name!r} is reserved", fix, at=(name,))
        try:
            values = [self.id, self.target, self.model_extra]
            text = json.dumps(values, ensure_ascii=False, allow_nan=False)
            f"{text}{self.input if isinstance(self.input, str) else ''}".encode()
        except UnicodeEncodeError as cause:
            fix = "Replace the lone surrogate (\\ud800 to \\udfff) by the character that is meant."
            raise RefusedError("holds half a character, which is no Unicode text", fix) from cause
        except (TypeError, ValueError, RecursionError) as cause:
            fix = "Use finite numbers, text, lists and mappings; leave out what is not known."
            raise RefusedError("holds NaN, an infinite number or no JSON value", fix) from cause
        return self


def _one_of(names: Iterable[str]) -> WithJsonSchema:
    """For editors: the names that ship, for completion; other packages may add to them."""
    return WithJsonSchema({"anyOf": [{"enum": sorted(names)}, {"type": "string"}]})


MetricName = Annotated[Name, _one_of(METRICS.table)]
StepName = Annotated[Name, _one_of(EXTRACTORS.table)]
CheckName = Annotated[Name, _one_of(CHECKS.table)]


class PluginEntry(Written):
    """A plugin by its name; every further key is one of its parameters."""

    model_config = ConfigDict(extra="allow")

    name: Name


class MetricEntry(PluginEntry):
    """A metric; every further key is one of its parameters."""

    name: MetricName
    weight: Positive = Field(1.0, description="Share in the combination of several metrics.")


class ExtractEntry(PluginEntry):
    """A step that finds the graded part of an answer; further keys are its parameters."""

    name: StepName


class CheckEntry(PluginEntry):
    """A check that needs no target; further keys are its parameters."""

    name: CheckName


class SuiteJudgeEntry(Written):
    """The judge of this suite."""

    rubric: Name | None = Field(
        None, description="A shipped rubric's name, or a file; default: the configuration's."
    )
    model: Annotated[
        list[Name], BeforeValidator(as_list, json_schema_input_type=str | list[str])
    ] = Field(
        default_factory=list,
        description="A judge of the configuration by its name, or a LiteLLM model id; several are "
        "a panel. Default: the configuration's.",
    )
    params: Params = Field(default_factory=dict, description="Sent with every judge call.")
    panel: Panel | None = Field(None, description="How a panel's votes become one score.")
    pairwise: Name | None = Field(
        None,
        description="Compare with this candidate's answers instead of grading each alone.",
        examples=["reference"],
    )


class ExampleEntry(Written):
    """A few-shot example: a user turn and an assistant turn before the sample."""

    input: Text
    target: Any = Field(description="What the assistant answers; written as JSON if not text.")


def _checked_pattern(pattern: str) -> str:
    try:
        regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError) as cause:
        fix = "Correct it; in YAML, single quotes keep backslashes as they are."
        raise RefusedError(f"not a regular expression: {cause}", fix) from cause
    return pattern


Pattern = Annotated[
    str, Field(min_length=1, max_length=MAX_PATTERN_CHARACTERS), AfterValidator(_checked_pattern)
]


class MatchEntry(Written):
    """How a request of this task is recognised in production."""

    tags: list[Name] = Field(default_factory=list, description="Metadata tags of the request.")
    keywords: list[Text] = Field(default_factory=list, description="Words in the request.")
    patterns: list[Pattern] = Field(default_factory=list, description="Regular expressions.")
    utterances: list[Text] = Field(default_factory=list, description="Example requests.")
    min_chars: Count | None = Field(None, description="A condition: not shorter than this.")
    max_chars: Count | None = Field(None, description="A condition: not longer than this.")
    has_code: bool | None = Field(
        None, description="A condition: a code block or lines of code stand in it, or must not."
    )
    has_json: bool | None = Field(
        None, description="A condition: a JSON object or list stands in it, or must not."
    )

    @model_validator(mode="after")
    def _lengths_in_order(self) -> MatchEntry:
        if self.min_chars and self.max_chars and self.min_chars > self.max_chars:
            fix = "Swap the two: min_chars is the shorter length."
            raise RefusedError("no text is that long and that short", fix, at=("max_chars",))
        return self


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _ruled(value: Any) -> Any:
    return {"rubric": value} if isinstance(value, str) else value


def _inline(value: Any) -> Any:
    return [] if isinstance(value, str) else value


def _distinct(labels: list[str]) -> list[str]:
    for index, label in enumerate(labels):
        if label in labels[:index]:
            what = f"the label {label!r} is written twice"
            raise RefusedError(what, "Keep one of them.", at=(index,))
    return labels


Metrics = Annotated[
    list[
        Annotated[
            MetricEntry, BeforeValidator(_named, json_schema_input_type=MetricName | MetricEntry)
        ]
    ],
    BeforeValidator(
        as_list, json_schema_input_type=MetricName | MetricEntry | list[MetricName | MetricEntry]
    ),
]
Steps = Annotated[
    list[
        Annotated[
            ExtractEntry, BeforeValidator(_named, json_schema_input_type=StepName | ExtractEntry)
        ]
    ],
    BeforeValidator(
        as_list, json_schema_input_type=StepName | ExtractEntry | list[StepName | ExtractEntry]
    ),
]

Checks = Annotated[
    list[
        Annotated[
            CheckEntry, BeforeValidator(_named, json_schema_input_type=CheckName | CheckEntry)
        ]
    ],
    BeforeValidator(
        as_list, json_schema_input_type=CheckName | CheckEntry | list[CheckName | CheckEntry]
    ),
]


class SuiteFile(Written):
    """One task: its samples, how they are put to a model, and how its answers are scored."""

    model_config = ConfigDict(title="llmroute suite")

    name: Name = Field(description="Unique among the suites.")
    task: Name | None = Field(None, description="The routing map's key; default: the name.")
    description: str = Field("", description="One line for people.")
    system: Text | None = Field(None, description="The system message, sent as it stands.")
    prompt: Text = Field(
        "{{ input }}",
        description="Template of the user message over `input`, `labels` and the samples' fields.",
    )
    examples: list[ExampleEntry] = Field(default_factory=list, description="Few-shot examples.")
    labels: Annotated[list[Label], AfterValidator(_distinct)] = Field(
        default_factory=list, description="The allowed answers of a classification task."
    )
    metric: Metrics = Field(
        default_factory=list,
        description="How answers are scored: a name, a name with parameters, or several.",
        examples=["exact", {"name": "numeric", "rel_tolerance": 0.01}],
    )
    judge: Annotated[
        SuiteJudgeEntry | None,
        BeforeValidator(_ruled, json_schema_input_type=str | SuiteJudgeEntry | None),
    ] = Field(None, description="A model grades, by this rubric, instead of a metric.")
    extract: Steps = Field(
        default_factory=list,
        description="Steps that find the graded part of an answer, in order.",
        examples=["last_number", {"name": "after", "marker": "Answer:"}],
    )
    checks: Checks = Field(
        default_factory=list,
        description="What an answer of the task is looked at for in production, without a target: "
        "a cascade reads them, and without one they guard the route.",
        examples=[["refusal", {"name": "length", "max_words": 60}]],
    )
    quality_threshold: Threshold | None = Field(
        None, description="The bar; default: the configuration's.", examples=[0.85]
    )
    weight: Positive = Field(1.0, description="Share of the traffic.")
    match: MatchEntry = Field(
        default_factory=MatchEntry, description="How such a request is recognised."
    )
    max_tokens: Count | None = Field(None, description="Upper bound of an answer's length.")
    samples: Annotated[
        list[SampleEntry],
        BeforeValidator(_inline, json_schema_input_type=str | list[SampleEntry]),
    ] = Field(description="The samples, or a .jsonl or .csv file in or below this folder.")

    @model_validator(mode="after")
    def _one_grader(self) -> SuiteFile:
        if self.metric and self.judge:
            fix = "Keep one of them; split the suite where both are wanted."
            raise RefusedError("a suite has a metric or a judge, not both", fix, at=("judge",))
        if self.extract and self.judge:
            fix = "Take 'extract' out: a judge reads the whole answer."
            raise RefusedError("'extract' goes with a metric, not a judge", fix, at=("extract",))
        return self
