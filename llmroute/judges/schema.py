"""What may be written in a rubric file."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from llmroute.config.faults import RefusedError
from llmroute.config.fields import Count, Name, Number, Positive, Text, Written
from llmroute.judges.standard import PAIRWISE, PROMPT, SYSTEM

MAX_CRITERIA = 10
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Share = Annotated[Number, Field(ge=0, le=1)]


class LevelEntry(Written):
    """One verdict on a criterion."""

    label: Name = Field(description="What the judge says.", examples=["no", "partly", "yes"])
    value: Share = Field(description="What it is worth, from 0 to 1; the judge never sees it.")
    anchor: Text = Field(description="What an answer of this level is like.")


def _checked_levels(levels: list[LevelEntry]) -> list[LevelEntry]:
    if not 2 <= len(levels) <= 3:
        fix = "Write two levels (wrong, right) or three; people and models agree on few."
        raise RefusedError(f"a criterion has two or three levels, not {len(levels)}", fix)
    for index, level in enumerate(levels):
        if level.label.casefold() in (other.label.casefold() for other in levels[:index]):
            what = f"the label {level.label!r} is written twice"
            raise RefusedError(what, "Give each level its own.", at=(index, "label"))
    for index, (worse, better) in enumerate(pairwise(levels), start=1):
        if worse.value >= better.value:
            what = f"the values are out of order: {better.value:g} after {worse.value:g}"
            fix = "Write the levels from worst to best, each worth more than the one before."
            raise RefusedError(what, fix, at=(index, "value"))
    return levels


class CriterionEntry(Written):
    """One question about an answer."""

    name: Key = Field(description="A word in small letters, as in the judge's reply.")
    question: Text = Field(description="What is asked about the answer, as one question.")
    levels: Annotated[list[LevelEntry], AfterValidator(_checked_levels)] = Field(
        description="Two or three verdicts, from worst to best."
    )
    weight: Positive = Field(1.0, description="Share in the score.")


def _distinct_criteria(criteria: list[CriterionEntry]) -> list[CriterionEntry]:
    if not criteria:
        fix = "Write one to ten questions about an answer, each with its levels."
        raise RefusedError("the rubric has no criteria", fix)
    if len(criteria) > MAX_CRITERIA:
        what = f"the rubric has more than {MAX_CRITERIA} criteria"
        raise RefusedError(what, "Keep those that decide; a judge loses track of many.")
    for index, criterion in enumerate(criteria):
        if criterion.name in (other.name for other in criteria[:index]):
            what = f"the criterion {criterion.name!r} is written twice"
            raise RefusedError(what, "Give each its own name.", at=(index, "name"))
    return criteria


class RubricFile(Written):
    """What a judge grades by: criteria with anchored levels."""

    model_config = ConfigDict(title="llmroute rubric")

    name: Name = Field(description="The file's name without .yaml.")
    description: str = Field("", description="One line for people.")
    criteria: Annotated[list[CriterionEntry], AfterValidator(_distinct_criteria)] = Field(
        description="Questions about an answer; the score is the weighted mean of their levels."
    )
    uses_target: bool = Field(False, description="The judge sees the sample's target.")
    fields: list[Name] = Field(
        default_factory=list, description="Fields of the sample that the judge sees."
    )
    max_words: Count | None = Field(None, description="The length an answer should keep to.")
    short_answers_allowed: bool = Field(
        False, description="One word can be right; otherwise it scores 0 without a call."
    )
    system: Text = Field(SYSTEM, description="Template of the system message.")
    prompt: Text = Field(PROMPT, description="Template of the message that shows an answer.")
    pairwise_prompt: Text | None = Field(
        PAIRWISE, description="Template of the message that shows two answers; null: none."
    )
