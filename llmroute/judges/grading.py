"""An answer and what judges have said of it → its Score, or the calls that are still to be made.

Judging is an ordinary call whose key is a hash of its content, so the state of a grading is what is
known of a few keys: while an answer waits for a verdict, after a crash, and when a map is made
again, `Grader.grade` is asked the same question and gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any, TypeVar

from llmroute.digest import digest
from llmroute.errors import UnreadableVerdict, failure_words
from llmroute.judges import JUDGE_PREFIX
from llmroute.judges.prompt import judge_messages, judge_nonce, pair_messages
from llmroute.judges.rubric import rubric_digest
from llmroute.judges.trivial import trivial_reason
from llmroute.judges.verdict import (
    PairVerdict,
    Verdict,
    pair_reply_schema,
    read_pair_verdict,
    read_verdict,
    repair_messages,
    reply_schema,
    verdict_parts,
    verdict_value,
)
from llmroute.plan.matrix import Plan, call_key, identify_answerer
from llmroute.records import (
    Call,
    Candidate,
    Completion,
    Failure,
    JudgeUse,
    Message,
    Sample,
    Score,
    Suite,
)

GRADING_VERSION = 1
"""Raised whenever the same replies give other scores than before."""
USUAL_WORDS = 60
"""Of an answer whose target says nothing of its length, and of a verdict on one criterion."""
SHORT = 40
"""Characters of a target that says nothing of the answer's length."""
TIE = 0.5
WINS: Mapping[PairVerdict, float] = {"first": 1.0, "tie": TIE, "second": 0.0}

T = TypeVar("T")
Replies = Mapping[str, Completion | Failure]
"""Call key → what came of it."""


@dataclass(frozen=True, slots=True)
class NoVerdict:
    """Why a judge has said nothing that counts."""

    reason: str


@dataclass(frozen=True, slots=True)
class Vote:
    """What one judge makes of an answer."""

    value: float
    """In [0, 1]."""
    parts: Mapping[str, float]
    said: str


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge as one suite asks it."""

    name: str
    candidate: Candidate
    params: Mapping[str, Any]
    identity: str
    structured: bool
    """Whether it can be held to a JSON Schema."""

    def call(self, about: Call, messages: tuple[Message, ...], schema: Mapping[str, Any]) -> Call:
        """The call that asks it about an answer; the same content has the same key."""
        params, identity = self.params, self.identity
        if self.structured:
            form = {"name": "verdict", "strict": True, "schema": schema}
            params = {**params, "response_format": {"type": "json_schema", "json_schema": form}}
            identity = f"{identity}+{digest(schema)}"
        messages_digest = digest(messages)
        return Call(
            key=call_key(identity, messages_digest),
            suite=about.suite,
            task=about.task,
            sample_id=about.sample_id,
            candidate=self.candidate,
            messages=messages,
            messages_digest=messages_digest,
            params=params,
        )


@dataclass(frozen=True, slots=True)
class Grader:
    """Grades the answers to one suite by what judges say of them."""

    use: JudgeUse
    judges: tuple[Judge, ...]
    samples: Mapping[str, Sample]
    rivals: Mapping[tuple[str, int], Call]
    """Comparisons: (sample, repeat) → the call whose answer is compared with."""
    key: str
    """Content hash of rubric, judges and panel: what scores depend on beside answer and sample."""

    @property
    def keeps_scores(self) -> bool:
        """Whether a score may be kept: one of a comparison hangs on the other answer too."""
        return self.use.pairwise is None

    @property
    def right_or_wrong(self) -> bool:
        """Whether every score is 0 or 1 by the rubric's nature."""
        criteria = self.use.rubric.criteria
        alone = self.use.pairwise is None and len(self.judges) == len(criteria) == 1
        return alone and {level.value for level in criteria[0].levels} <= {0.0, 1.0}

    def score_key(self, sample_id: str) -> str:
        """What a score depends on beside the answer: its key in the store."""
        sample = self.samples[sample_id]
        return digest([self.key, sample.target, sample.fields])

    def grade(self, call: Call, output: str, replies: Replies) -> Score | tuple[Call, ...]:
        """The answer's score, or the calls whose results it still hangs on.

        Args:
            call: the call that was answered.
            output: the answer.
            replies: what is known of the calls that earlier gradings of it have named.
        """
        if self.use.pairwise is not None:
            return self._compare(call, output, replies)
        allowed = self.use.rubric.short_answers_allowed
        reason = trivial_reason(output, short_answers_allowed=allowed)
        if reason is not None:
            return Score(0.0, f"not judged: it {reason}")
        return self._combine([self._alone(j, call, output, replies) for j in self.judges])

    def _compare(self, call: Call, output: str, replies: Replies) -> Score | tuple[Call, ...]:
        rival = self.rivals[call.sample_id, call.repeat]
        if rival.key == call.key:
            return Score(TIE, "it is what the others are compared with")
        answer = replies.get(rival.key)
        if answer is None:
            return (rival,)
        if isinstance(answer, Failure):
            why = f"{rival.candidate.name}, compared with, was {failure_words(answer.kind)}"
            return Score(None, reason=f"not_scored: {why}")
        if answer.output == output:
            return Score(TIE, f"the same answer as {rival.candidate.name}'s")
        return self._combine(
            [self._beside(j, call, output, answer.output, replies) for j in self.judges]
        )

    # -- one judge --------------------------------------------------------------------------------

    def _alone(
        self, judge: Judge, call: Call, output: str, replies: Replies
    ) -> Vote | NoVerdict | tuple[Call, ...]:
        rubric, sample = self.use.rubric, self.samples[call.sample_id]
        nonce = judge_nonce(rubric, sample, output)
        messages = judge_messages(rubric, sample, asked_text(call), output, nonce=nonce)
        found = _read(
            judge,
            call,
            messages,
            reply_schema(rubric),
            lambda reply: read_verdict(rubric, reply),
            replies,
        )
        if not isinstance(found, Verdict):
            return (found,) if isinstance(found, Call) else found
        parts = verdict_parts(rubric, found)
        return Vote(verdict_value(rubric, found), parts, _said(found))

    def _beside(
        self, judge: Judge, call: Call, output: str, rival: str, replies: Replies
    ) -> Vote | NoVerdict | tuple[Call, ...]:
        """Both orders; what is said in one only is a tie (2306.05685, §3.4)."""
        found = [
            self._prefer(judge, call, pair, replies) for pair in ((output, rival), (rival, output))
        ]
        asked: list[Call] = []
        wins: list[float] = []
        for one in found:
            if isinstance(one, NoVerdict):
                return one
            if isinstance(one, Call):
                asked.append(one)
            else:
                wins.append(WINS[one])
        if asked:
            return tuple(asked)
        flipped = wins[0] != 1 - wins[1]
        said = "another verdict in the other order" if flipped else "the same in both orders"
        return Vote(TIE if flipped else wins[0], {"flipped": float(flipped)}, said)

    def _prefer(
        self, judge: Judge, call: Call, pair: tuple[str, str], replies: Replies
    ) -> PairVerdict | Call | NoVerdict:
        rubric, sample = self.use.rubric, self.samples[call.sample_id]
        nonce = judge_nonce(rubric, sample, *pair)
        messages = pair_messages(rubric, sample, asked_text(call), *pair, nonce=nonce)
        return _read(judge, call, messages, pair_reply_schema(), read_pair_verdict, replies)

    # -- all of them ------------------------------------------------------------------------------

    def _combine(
        self, votes: Sequence[Vote | NoVerdict | tuple[Call, ...]]
    ) -> Score | tuple[Call, ...]:
        """One score of all votes; without one of them there is none, lest panels differ."""
        lost = [vote for vote in votes if isinstance(vote, NoVerdict)]
        if lost:
            return Score(None, reason=f"not_scored: {lost[0].reason}")
        missing = [call for vote in votes if isinstance(vote, tuple) for call in vote]
        if missing:
            return tuple(missing)
        given = [vote for vote in votes if isinstance(vote, Vote)]
        values = [vote.value for vote in given]
        parts = {name: fmean(vote.parts[name] for vote in given) for name in given[0].parts}
        if len(given) > 1:
            named = zip(self.judges, values, strict=True)
            parts |= {f"judge {judge.name}": value for judge, value in named}
        value = fmean(values) if self.use.panel == "mean" else median(values)
        said = "\n".join(
            vote.said if len(given) == 1 else f"{judge.name}: {vote.said}"
            for judge, vote in zip(self.judges, given, strict=True)
        )
        return Score(value, said, parts)


def expected_calls(plan: Plan, answers: Mapping[str, Completion]) -> list[Call]:
    """The judge calls of a plan: of stored answers as they are, of others as long as targets are.

    Args:
        plan: the calls to the candidates.
        answers: call key → answer, for those the store holds.
    """
    by_suite = graders(plan)
    calls: list[Call] = []
    for call in plan.calls:
        grader = by_suite.get(call.suite)
        if grader is None:
            continue
        rival = grader.rivals.get((call.sample_id, call.repeat))
        known = {rival.key: answers.get(rival.key) or _stand_in(rival, grader)} if rival else {}
        answer = answers.get(call.key) or _stand_in(call, grader)
        found = grader.grade(call, answer.output, known)
        calls += () if isinstance(found, Score) else found
    return calls


def usual_reply(use: JudgeUse) -> str:
    """A reply of the length judges write, to estimate tokens by."""
    said = " ".join(["word"] * USUAL_WORDS)
    return "\n".join(f"{one.name} evidence reasoning verdict {said}" for one in use.rubric.criteria)


def _stand_in(call: Call, grader: Grader) -> Completion:
    """An answer nobody has given yet; of each candidate another one."""
    target = grader.samples[call.sample_id].target
    text = target if isinstance(target, str) and len(target) > SHORT else "word " * USUAL_WORDS
    return Completion(call.key, f"{text} {call.candidate.name}")


def graders(plan: Plan) -> dict[str, Grader]:
    """Suite → its grader, for the suites that a judge grades."""
    return {suite.name: _grader(plan, suite) for suite in plan.suites if suite.judge is not None}


def asked_text(call: Call) -> str:
    """What the model was asked: the one message, or all of them with who speaks.

    >>> call = Call("k", "s", "t", "q1", Candidate("a", "a"), (Message("user", "Why?"),), "", {})
    >>> asked_text(call)
    'Why?'
    """
    if len(call.messages) == 1:
        return call.messages[0].content
    return "\n\n".join(f"{message.role}: {message.content}" for message in call.messages)


def _said(verdict: Verdict) -> str:
    """The verdict as a person reads it, a line a criterion."""
    return "\n".join(
        f"{name}: {label}. {verdict.reasoning[name]}" for name, label in verdict.levels.items()
    )


def _grader(plan: Plan, suite: Suite) -> Grader:
    use = suite.judge
    assert use is not None  # noqa: S101 - asked of judged suites only
    known = {judge.name: judge for judge in plan.judges}
    rivals = {
        (call.sample_id, call.repeat): call
        for call in plan.calls
        if call.suite == suite.name and call.candidate.name == use.pairwise
    }
    judges = tuple(_judge(known[JUDGE_PREFIX + name], use, plan) for name in use.judges)
    who = [judge.identity for judge in judges]
    return Grader(
        use=use,
        judges=judges,
        samples={sample.id: sample for sample in suite.samples},
        rivals=rivals,
        key=digest([GRADING_VERSION, rubric_digest(use.rubric), who, use.panel]),
    )


def _judge(candidate: Candidate, use: JudgeUse, plan: Plan) -> Judge:
    from llmroute.calls.prices import model_facts

    params = {**candidate.params, **use.params}
    facts = model_facts(candidate.model)
    return Judge(
        name=candidate.name.removeprefix(JUDGE_PREFIX),
        candidate=candidate,
        params=params,
        identity=identify_answerer(candidate, params, plan.endpoints),
        structured=bool(facts and facts.takes_schema) and "response_format" not in params,
    )


def _read(
    judge: Judge,
    about: Call,
    messages: tuple[Message, ...],
    schema: Mapping[str, Any],
    read: Callable[[str], T],
    replies: Replies,
) -> T | Call | NoVerdict:
    """What the judge has said, after one try to have an unreadable reply repaired."""
    call = judge.call(about, messages, schema)
    for is_last in (False, True):
        reply = replies.get(call.key)
        if reply is None:
            return call
        if isinstance(reply, Failure):
            return NoVerdict(f"judge {judge.name} was {failure_words(reply.kind)}")
        try:
            return read(reply.output)
        except UnreadableVerdict as problem:
            if is_last:
                return NoVerdict(f"unreadable verdict of {judge.name}: {problem.what}")
            call = judge.call(about, repair_messages(messages, reply.output, problem.what), schema)
    raise AssertionError("unreachable")
