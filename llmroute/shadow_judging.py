"""Pairs of answers to logged requests × a judge → how good the map's models would have been."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmroute.asking import Listener
from llmroute.errors import (
    EXIT_BUDGET,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_OUTSIDE,
    InputError,
    JudgeError,
)
from llmroute.judges import JUDGE_PREFIX
from llmroute.judging import estimate_grading, grade_answers
from llmroute.plan.estimate import PlanEstimate
from llmroute.plan.judges import prepare_judges
from llmroute.plan.matrix import Plan, plan_calls
from llmroute.plan.prepare import identify_endpoints
from llmroute.recogniser.request import Messages, read_request
from llmroute.records import Candidate, Completion, Config, JudgeUse, Message, Rubric, Sample, Suite
from llmroute.shadow.qualities import QualitySummary, compare_scores
from llmroute.shadowing import Pair

LOGGED = Candidate("logged", "shadow/logged")
ROUTED = Candidate("routed", "shadow/routed")
"""Who the two answers are of; neither is ever asked."""
SUITE = "shadow"
TURNS = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Bout:
    """What a judge is going to be asked."""

    plan: Plan
    """Its calls are the answers, two a sample."""
    answers: Mapping[str, Completion]
    rubric: str
    n_eligible: int
    """Requests in the log that have both answers' texts; the pairs are drawn from them."""


@dataclass(frozen=True, slots=True)
class JudgedPairs:
    """What the judge said of both answers."""

    judges: tuple[str, ...]
    rubric: str
    n_pairs: int
    n_eligible: int
    quality: QualitySummary | None
    """None: not one pair has both verdicts."""
    n_unsent: int
    interrupted: bool
    spent_usd: float

    @property
    def exit_code(self) -> int:
        """0, or why there are fewer verdicts than asked for."""
        if self.interrupted:
            return EXIT_INTERRUPTED
        if self.n_unsent:
            return EXIT_BUDGET
        return EXIT_OK if self.quality is not None else EXIT_OUTSIDE


def plan_bout(
    config: Config,
    rubric: Rubric,
    pairs: Sequence[Pair],
    env: Mapping[str, str],
    *,
    judges: Sequence[str],
    n_eligible: int,
) -> Bout:
    """Both answers of every pair, to be graded alone, without a word about whose they are.

    Args:
        config: whose judges, keys and limits are used.
        rubric: what the judge goes by.
        pairs: what is graded.
        env: where keys are found.
        judges: names of the configuration's, or LiteLLM ids.
        n_eligible: how many pairs these were drawn from.

    Raises:
        InputError: there is no pair, a key is missing, the rubric shows what no log holds, or the
            judge is a model that answered.
    """
    if rubric.uses_target or rubric.fields:
        raise JudgeError(
            f"rubric {rubric.name!r} shows the judge a target or fields, which no log has",
            fix="Name another: --rubric helpfulness.",
        )
    if not pairs:
        raise InputError(
            "no request that would go to another model has both answers' texts in the log",
            where="--judge",
            fix='Log the other model\'s answer, "models": {"NAME": {"answer": "..."}}, or give it'
            " under the request's id: --outcomes FILE.",
        )
    samples = tuple(Sample(str(at), _asked(pair.request)) for at, pair in enumerate(pairs))
    suite = Suite(SUITE, SUITE, samples, judge=JudgeUse(rubric, tuple(judges)))
    who = prepare_judges(config, [suite], _answerers(pairs), env)
    plan = plan_calls([suite], [LOGGED, ROUTED], endpoints=identify_endpoints(who), judges=who)
    answers = {}
    for call in plan.calls:
        pair = pairs[int(call.sample_id)]
        text = pair.logged_answer if call.candidate.name == LOGGED.name else pair.routed_answer
        answers[call.key] = Completion(call.key, text)
    return Bout(plan, answers, rubric.name, n_eligible)


def estimate_bout(config: Config, bout: Bout) -> PlanEstimate:
    """What the verdicts will cost, given those the store already holds."""
    return estimate_grading(config, bout.plan, bout.answers)


def judge_pairs(
    config: Config, bout: Bout, *, env: Mapping[str, str], listener: Listener
) -> JudgedPairs:
    """Ask for every verdict the store does not hold, and compare both answers' scores.

    Raises:
        StoreError: the store cannot be written.
    """
    grades = grade_answers(
        config, bout.plan, bout.answers, env=env, listener=listener, command="llmroute shadow"
    )
    scores: dict[str, dict[str, float | None]] = {}
    for call in bout.plan.calls:
        by_candidate = scores.setdefault(call.sample_id, {})
        by_candidate[call.candidate.name] = grades.scores.get(call.key)
    pairs = [(both[LOGGED.name], both[ROUTED.name]) for both in scores.values()]
    return JudgedPairs(
        judges=tuple(judge.name.removeprefix(JUDGE_PREFIX) for judge in bout.plan.judges),
        rubric=bout.rubric,
        n_pairs=len(pairs),
        n_eligible=bout.n_eligible,
        quality=compare_scores(pairs),
        n_unsent=grades.n_unsent,
        interrupted=grades.interrupted,
        spent_usd=grades.spent_usd,
    )


def _answerers(pairs: Sequence[Pair]) -> list[Candidate]:
    """The models whose answers are graded: none of them may be the judge."""
    names = dict.fromkeys(name for pair in pairs for name in pair.models)
    return [Candidate(name, name) for name in names]


def _asked(request: str | Messages) -> str | tuple[Message, ...]:
    """The request as a suite has it; turns that no suite knows (tools) as the user's."""
    if isinstance(request, str):
        return request
    turns = []
    for message in request:
        role = {"developer": "system"}.get(message["role"], message["role"])
        text = read_request([{**message, "role": "user"}]).text
        turns.append(Message(role if role in TURNS else "user", text))
    return tuple(turns)
