"""Wrong answers × attacks → what they win from a judge, by ordinary calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llmroute.asking import Listener
from llmroute.digest import digest
from llmroute.errors import JudgeError, UnknownName
from llmroute.judges.attacks import (
    Attack,
    WrongAnswer,
    attacked,
    fitting,
    read_attacks,
    read_wrong_answers,
    shipped_wrong_answers,
    spread,
)
from llmroute.judges.grading import asked_text
from llmroute.judges.inflation import Attempt, Inflation, inflation_of
from llmroute.judging import estimate_grading, grade_answers
from llmroute.plan.estimate import PlanEstimate
from llmroute.plan.judges import prepare_judges
from llmroute.plan.matrix import Plan, plan_calls
from llmroute.plan.prepare import identify_endpoints
from llmroute.records import (
    Call,
    Candidate,
    Completion,
    Config,
    JudgeUse,
    Rubric,
    Suite,
)
from llmroute.resources import shipped
from llmroute.suites.load import load_suite, load_suites

ATTACKER = Candidate("wrong answer", "attack/wrong-answer")
"""Who the attacked answers are of; it is never asked."""
PLAIN = Attack("plain", "plain", "{{ answer }}")
"""No attack: what every other is compared with."""


@dataclass(frozen=True, slots=True)
class Assault:
    """What a judge is going to be asked."""

    rubric: Rubric
    plan: Plan
    """Its calls are the attempts, each "answered" already."""
    answers: Mapping[str, Completion]
    """Key of an attempt → the text that is graded."""
    attempts: Mapping[str, tuple[Attack, WrongAnswer]]
    attacks: tuple[Attack, ...]
    wrong: tuple[WrongAnswer, ...]
    n_unfit: int
    """Wrong answers to samples that lack what the rubric shows."""


@dataclass(frozen=True, slots=True)
class AttackResult:
    """What the attacks have won."""

    attempts: tuple[Attempt, ...]
    """Those with a verdict on both the attacked and the plain answer."""
    overall: Inflation | None
    """None: not one attempt has."""
    n_planned: int
    n_unsent: int = 0
    interrupted: bool = False
    spent_usd: float = 0.0

    @property
    def coverage(self) -> float:
        """Share of the attempts that have verdicts, in [0, 1]."""
        return len(self.attempts) / self.n_planned if self.n_planned else 0.0


def plan_attack(
    config: Config,
    rubric: Rubric,
    env: Mapping[str, str],
    *,
    judges: Sequence[str] = (),
    answers_file: Path | None = None,
    suites: Sequence[str] = (),
    limit: int = 25,
    offline: bool = False,
) -> Assault:
    """Every attack around every wrong answer, and each answer plain; nothing is sent.

    Args:
        config: whose judges, keys and limits are used.
        rubric: what the judge goes by.
        env: where keys are found.
        judges: names of the configuration's, or LiteLLM ids; none: all of the configuration's.
        answers_file: wrong answers to the configuration's samples; None: those that ship.
        suites: only answers to these; none: all.
        limit: most wrong answers, spread over the suites.
        offline: keys are not needed.

    Raises:
        InputError: a suite is unknown, no wrong answer fits the rubric, or a key is missing.
    """
    wrong = read_wrong_answers(answers_file) if answers_file else shipped_wrong_answers()
    known = _suites_of(config, {answer.suite for answer in wrong}, own=answers_file is not None)
    for name in suites:
        if name not in known:
            raise UnknownName("suite", name, known)
    wrong = tuple(one for one in wrong if one.suite in (suites or known))
    samples = {(s.name, sample.id): sample for s in known.values() for sample in s.samples}
    fit = fitting(rubric, wrong, samples)
    if not fit:
        raise _nothing_fits(rubric, answers_file)
    chosen = tuple(spread(fit, limit))
    use = JudgeUse(rubric, tuple(judges) or tuple(judge.name for judge in config.judge.models))
    used = [_for_attack(suite, chosen, use) for suite in known.values()]
    judged = [suite for suite in used if suite.samples]
    who = prepare_judges(config, judged, (), env, offline=offline)
    plan = plan_calls(judged, [ATTACKER], endpoints=identify_endpoints(who), judges=who)
    return _assault(rubric, plan, chosen, len(wrong) - len(fit))


def estimate_attack(config: Config, assault: Assault) -> PlanEstimate:
    """What the judge's verdicts will cost, given those the store already holds."""
    return estimate_grading(config, assault.plan, assault.answers)


def attack_judge(
    config: Config,
    assault: Assault,
    *,
    env: Mapping[str, str],
    listener: Listener,
    offline: bool = False,
    wait_s: float = 0.0,
) -> AttackResult:
    """Ask for every verdict that the store does not hold, and measure what was won.

    Args:
        config: how to run it; its budget is the cap.
        assault: from `plan_attack`.
        env: where keys are found.
        listener: is told how it goes.
        offline: send nothing; verdicts come from the store and from programs in this process.
        wait_s: how long to wait for another bench on the same store.

    Raises:
        OutsideError: `offline`, and verdicts are missing.
        StoreError: the store cannot be written.
    """
    grades = grade_answers(
        config,
        assault.plan,
        assault.answers,
        env=env,
        listener=listener,
        command="llmroute judge attack",
        offline=offline,
        wait_s=wait_s,
    )
    attempts = _attempts(assault, grades.scores)
    return AttackResult(
        attempts=attempts,
        overall=inflation_of("overall", attempts) if attempts else None,
        n_planned=len(assault.attacks) * len(assault.wrong),
        n_unsent=grades.n_unsent,
        interrupted=grades.interrupted,
        spent_usd=grades.spent_usd,
    )


# -- steps ----------------------------------------------------------------------------------------


def _suites_of(config: Config, names: Iterable[str], *, own: bool) -> dict[str, Suite]:
    """The suites of these names: with `own` the configuration's, and else those that ship."""
    wanted = set(names)
    found: dict[str, Suite] = {}
    if own:
        suites = load_suites(config.suites, judge=config.judge, root=config.folder)
        found = {suite.name: suite for suite in suites if suite.name in wanted}
    for name in sorted(wanted - set(found)):
        path = shipped("suites") / f"{name}.yaml"
        if path.is_file():
            found[name] = load_suite(path)
    return found


def _for_attack(suite: Suite, wrong: Sequence[WrongAnswer], use: JudgeUse) -> Suite:
    """The suite with the attacked samples alone, graded by the judge."""
    attacked_ids = {answer.sample_id for answer in wrong if answer.suite == suite.name}
    samples = tuple(sample for sample in suite.samples if sample.id in attacked_ids)
    return replace(suite, samples=samples, judge=use, metrics=(), extract=())


def _assault(rubric: Rubric, plan: Plan, wrong: tuple[WrongAnswer, ...], n_unfit: int) -> Assault:
    """The plan with every attempt as an answered call."""
    about = {(call.suite, call.sample_id): call for call in plan.calls}
    samples = {(s.name, sample.id): sample for s in plan.suites for sample in s.samples}
    attempts: dict[str, tuple[Attack, WrongAnswer]] = {}
    answers: dict[str, Completion] = {}
    calls: list[Call] = []
    for answer in wrong:
        place = (answer.suite, answer.sample_id)
        call = about[place]
        for attack in (PLAIN, *read_attacks()):
            key = digest([call.key, answer.output, attack])
            question = asked_text(call)
            text = attacked(attack, rubric, samples[place], question, answer.output)
            attempts[key] = attack, answer
            answers[key] = Completion(key, text)
            calls.append(replace(call, key=key))
    planned = replace(plan, calls=tuple(calls))
    return Assault(rubric, planned, answers, attempts, read_attacks(), wrong, n_unfit)


def _attempts(assault: Assault, scores: Mapping[str, float | None]) -> tuple[Attempt, ...]:
    """Every attempt whose answer has a verdict both plain and attacked."""
    plain = {
        answer: scores.get(k) for k, (attack, answer) in assault.attempts.items() if attack is PLAIN
    }
    found = []
    for key, (attack, answer) in assault.attempts.items():
        before, after = plain[answer], scores.get(key)
        if attack is not PLAIN and before is not None and after is not None:
            found.append(Attempt(attack.name, attack.kind, answer, before, after))
    return tuple(found)


def _nothing_fits(rubric: Rubric, answers_file: Path | None) -> JudgeError:
    needs = ", ".join([*(["a target"] if rubric.uses_target else []), *map(repr, rubric.fields)])
    return JudgeError(
        f"no wrong answer is to a known sample with all that the rubric {rubric.name!r} shows"
        + (f" ({needs})" if needs else ""),
        where=str(answers_file) if answers_file else None,
        fix='Name wrong answers to your own samples: --answers FILE, with {"suite", "sample_id", '
        '"output"} a line.',
    )
