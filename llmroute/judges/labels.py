"""Label files → Labels: who says what of which answer, every line checked.

A line of CSV or JSONL says what one person thinks of one answer:

    task, sample_id, candidate, repeat, rater, score

or of two answers beside each other:

    task, sample_id, first, second, rater, winner

`score` is a number in [0, 1] or the label of one of the rubric's levels; `winner` is first, second
or tie, or the better one's name. `repeat` may be missing (0), and so may `group` (answers to one
document), `weight` (how many answers the line stands for), `answer_digest` (of the answer that was
read) and `item`, which replaces task, sample, candidate and repeat in files that `judge agree
--sample` writes. What a judge said may stand in the
same line: `judge`, a score or, in JSONL, {name: score}; in CSV also columns `judge.NAME`.

In JSONL a line may hold all votes on one item: `votes` (or `human_votes`), a list or {rater: vote},
beside `judges`, {name: vote}; of two answers named in `models` a vote is 1, 2 or 0 for a tie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from llmroute.digest import digest
from llmroute.errors import LogFormatError, did_you_mean
from llmroute.judges.lines import Line, number_in, read_lines
from llmroute.records import Label, Rubric

UNNAMED = "unnamed"
"""The rater of lines that name none."""
THE_JUDGE = "judge"
"""The judge of a column that names none."""
WINNERS: Mapping[Any, float] = {"first": 1.0, "tie": 0.5, "second": 0.0, 1: 1.0, 0: 0.5, 2: 0.0}

AnswerKey = tuple[str, str, str, int, str | None]
"""(task, sample_id, candidate, repeat, rival)."""


LevelsOf = Callable[[str], Mapping[str, float]]
"""Task → label of a level → its value; none where no rubric is known."""


def no_levels(_task: str) -> Mapping[str, float]:
    """Of tasks whose labels are numbers."""
    return {}


@dataclass(frozen=True, slots=True)
class Labels:
    """What label files say."""

    people: tuple[Label, ...]
    judges: tuple[Label, ...] = ()
    """What judges said, where the files hold it."""
    n_empty: int = 0
    """Lines whose score is still empty."""


def read_labels(
    paths: Sequence[Path],
    *,
    levels: LevelsOf = no_levels,
    items: Mapping[str, AnswerKey] | None = None,
) -> Labels:
    """All labels of the files, in their order; a line that stands twice counts once.

    Args:
        paths: `.csv`, or JSONL plain or gzipped.
        levels: the levels of a task's rubric.
        items: what the `item` of a line stands for.

    Raises:
        LogFormatError: a file cannot be read, a line lacks what it needs, a score is out of range,
            or one rater says two things of one answer; with file and line.
    """
    gathered = _Gathered(levels, items or {})
    for path in paths:
        for line in read_lines(Path(path)):
            gathered.add(line)
    people, judges = gathered.people, gathered.judges
    if not people and paths:
        raise LogFormatError(
            "no line has a score yet" if gathered.empty else "there are no labels in it",
            where=str(paths[0]),
            fix="Fill in the column 'score': a number from 0 to 1, or a level of the rubric.",
        )
    return Labels(tuple(people.values()), tuple(judges.values()), len(gathered.empty))


def hold_verdicts(paths: Sequence[Path]) -> bool:
    """Whether the files say what a judge said, so that no run needs to be looked at.

    Raises:
        LogFormatError: a file cannot be read.
    """
    lines = (line for path in paths for line in read_lines(Path(path)))
    return any(vote not in (None, "") for line in lines for _, _, vote in _judge_votes(line))


def shared_levels(rubric: Rubric) -> dict[str, float]:
    """Label → value of the levels that mean the same for every criterion of the rubric."""
    values: dict[str, set[float]] = {}
    for criterion in rubric.criteria:
        for level in criterion.levels:
            values.setdefault(level.label, set()).add(level.value)
    return {label: min(known) for label, known in values.items() if len(known) == 1}


def item_id(key: AnswerKey) -> str:
    """A name for an answer that does not betray whose it is.

    >>> item_id(("mail", "q1", "openai/gpt-4o", 0, None))
    '0d83ddef8e27'
    """
    return digest(key)[:12]


# -- labels ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What has been read so far, by who said it of what."""

    levels: LevelsOf
    items: Mapping[str, AnswerKey]
    people: dict[tuple[Any, ...], Label] = field(default_factory=dict)
    judges: dict[tuple[Any, ...], Label] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)

    def add(self, line: Line) -> None:
        about = self._about(line)
        for kept, votes in ((self.people, _people_votes(line)), (self.judges, _judge_votes(line))):
            found = [label for label in (self._label(line, about, *v) for v in votes) if label]
            if kept is self.people and not found:
                self.empty.append(line.where)
            for label in found:
                _keep(kept, label)

    def _about(self, line: Line) -> Label:
        """Whose answer to what the line is about: a label that lacks its rater and score."""
        item = line.text("item")
        if item is not None:
            if item not in self.items:
                fix = "Name the run or outcomes the sample was drawn from: --run ID, --data FILE."
                raise line.fault(f"no answer of the run has the item {item!r}", fix)
            task, sample_id, candidate, repeat, rival = self.items[item]
        else:
            task, sample_id = (
                line.text("task") or _named_by(line.path),
                line.need("sample_id", "id"),
            )
            candidate, rival = _who(line)
            repeat = int(line.number("repeat", 0, whole=True))
        weight = line.number("weight", 1.0)
        if weight == 0:
            raise line.fault("'weight' is 0", "Write how many answers it stands for, or nothing.")
        return Label(
            task,
            sample_id,
            candidate,
            rater="",
            score=0.0,
            repeat=repeat,
            rival=rival,
            weight=weight,
            group=_group(line),
            answer_digest=line.text("answer_digest"),
            where=line.where,
        )

    def _label(self, line: Line, about: Label, rater: str, name: str, vote: Any) -> Label | None:
        """The label, its pair of candidates in the order of the alphabet; None: nothing said."""
        if vote is None or vote == "":
            return None
        if about.rival is None:
            score = _read_score(line, name, vote, self.levels(about.task))
            return replace(about, rater=rater, score=score)
        score = _read_winner(line, name, vote, about.candidate, about.rival)
        if about.rival < about.candidate:
            about = replace(about, candidate=about.rival, rival=about.candidate)
            score = 1.0 - score
        return replace(about, rater=rater, score=score)


def answer_digest(output: str) -> str:
    """What tells an answer from a later one."""
    return digest(output)[:12]


def answer_key(label: Label) -> AnswerKey:
    """Which answer, or which two, the label is about."""
    return (label.task, label.sample_id, label.candidate, label.repeat, label.rival)


def _keep(kept: dict[tuple[Any, ...], Label], label: Label) -> None:
    key = (*answer_key(label), label.rater)
    known = kept.setdefault(key, label)
    if known.score != label.score:
        raise LogFormatError(
            f"{label.rater!r} says {label.score:g} here, and {known.score:g} of the same answer "
            f"in {known.where}",
            where=label.where,
            fix="Remove one of the lines, or fill in 'rater' where two people labelled.",
        )


def _named_by(path: Path) -> str:
    """The task of lines that name none: the file's name."""
    return path.name.partition(".")[0]


def _group(line: Line) -> str | None:
    """The line's group, or in lines with all votes on one item whatever shares its prompt."""
    prompt = line.content.get("prompt")
    if "group" not in line.content and isinstance(prompt, str) and _votes(line) is not None:
        return digest(prompt)[:12]
    return line.text("group")


def _who(line: Line) -> tuple[str, str | None]:
    """The candidate, or the two that are compared, in the line's order."""
    models = line.content.get("models")
    if models is not None:
        if not isinstance(models, list) or len(models) != 2:
            raise line.fault("'models' is not a list of two names", 'Write "models": ["a", "b"].')
        first, second = (str(model) for model in models)
    elif line.text("first") is None:
        return line.need("candidate"), None
    else:
        first, second = line.need("first"), line.need("second")
    if first == second:
        raise line.fault(f"{first!r} is compared with itself", "Name two candidates.")
    return first, second


# -- votes ----------------------------------------------------------------------------------------

_Vote = tuple[str, str, Any]
"""(rater, the key or column it stands under, what is written there)."""


def _votes(line: Line) -> Any:
    """All people's votes, where one line holds them; else None."""
    return next((line.content[n] for n in ("votes", "human_votes") if n in line.content), None)


def _people_votes(line: Line) -> Iterator[_Vote]:
    votes = _votes(line)
    if votes is None:
        name = "winner" if line.content.get("winner") not in (None, "") else "score"
        yield line.text("rater") or UNNAMED, name, line.content.get(name)
    elif isinstance(votes, Mapping):
        yield from ((str(rater), f"votes, {rater!r}", vote) for rater, vote in votes.items())
    elif isinstance(votes, list):
        yield from ((f"person {i}", "votes", vote) for i, vote in enumerate(votes, start=1))
    else:
        raise line.fault("'votes' is neither a list nor an object", 'Write "votes": [1, 1, 0].')


def _judge_votes(line: Line) -> Iterator[_Vote]:
    for name in ("judge", "judges"):
        said = line.content.get(name)
        if isinstance(said, Mapping):
            yield from ((str(judge), f"{name}, {judge!r}", vote) for judge, vote in said.items())
        elif said is not None:
            yield THE_JUDGE, name, said
    for column, vote in line.content.items():
        if column.startswith("judge."):
            yield column.removeprefix("judge."), column, vote


def _read_score(line: Line, name: str, vote: Any, levels: Mapping[str, float]) -> float:
    number = number_in(vote)
    if number is not None and 0 <= number <= 1:
        return number
    if number is not None:
        raise line.fault(f"{name!r} is {vote!r}, outside 0 to 1", "Scale it into [0, 1].")
    known = {label.casefold(): value for label, value in levels.items()}
    if isinstance(vote, str) and vote.strip().casefold() in known:
        return known[vote.strip().casefold()]
    hint = did_you_mean(str(vote), levels, kind="level") if levels else ""
    fix = f"Write a number from 0 to 1{', or a level. ' if levels else '.'}{hint}"
    raise line.fault(f"{name!r} is {vote!r}, no score", fix)


def _read_winner(line: Line, name: str, vote: Any, first: str, second: str) -> float:
    said = vote.strip() if isinstance(vote, str) else vote
    by_name = {first: 1.0, second: 0.0}
    if isinstance(said, str):
        if said in by_name:
            return by_name[said]
        number = number_in(said)
        said = said.casefold() if number is None else number
    if isinstance(said, bool) or not isinstance(said, (str, int, float)) or said not in WINNERS:
        fix = f"Write first, second or tie (1, 2 or 0), {first!r} or {second!r}."
        raise line.fault(f"{name!r} is {vote!r}, no winner", fix)
    return WINNERS[said]
