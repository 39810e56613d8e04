"""TaskAgreements → text, Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from llmroute.report.amounts import UNKNOWN, counted
from llmroute.report.columns import align_columns
from llmroute.report.markdown import code_span, plain
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from llmroute.judges.assess import Confusion, TaskAgreement
    from llmroute.records import Interval

SCHEMA = "llmroute/agreement/1"
STATISTICS = {
    "accuracy": "accuracy",
    "kappa": "κ",
    "kappa_linear": "κ linear",
    "kappa_quadratic": "κ quadratic",
}
COLUMNS = ("who", "beside", "n", *STATISTICS.values(), "α")
RELIABLE, TENTATIVE = 0.8, 0.667
"""From which α on to rely, and to conclude: Krippendorff, "Content Analysis" (2004), §11.4."""


@dataclass(frozen=True, slots=True)
class Block:
    """One table of a task, with what stands above and below it."""

    title: str
    rows: tuple[tuple[str, ...], ...]
    confusions: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]
    """Title, and a table whose first row and column name levels."""
    reading: tuple[str, ...]


def agreement_blocks(agreements: Sequence[TaskAgreement]) -> tuple[Block, ...]:
    """What is shown of each task, as text that may hold whatever names hold."""
    return tuple(_block(agreement) for agreement in agreements)


def render_agreement_text(agreements: Sequence[TaskAgreement]) -> str:
    """Aligned plain text, safe for a terminal."""
    return "".join(f"{line}\n" for one in agreement_blocks(agreements) for line in _text(one))


def render_agreement_markdown(agreements: Sequence[TaskAgreement]) -> str:
    """The same as Markdown tables in which no name is read as markup."""
    return "".join(f"{line}\n" for one in agreement_blocks(agreements) for line in _markdown(one))


def render_agreement_json(agreements: Sequence[TaskAgreement]) -> str:
    """All figures; one that is not defined is null."""
    document = {"schema": SCHEMA, "tasks": [asdict(agreement) for agreement in agreements]}
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


# -- one task -------------------------------------------------------------------------------------


def _block(agreement: TaskAgreement) -> Block:
    noun = "comparison" if agreement.compared else "answer"
    people = counted(len(agreement.people_names), "person").replace("persons", "people")
    title = f"{agreement.task}: {counted(agreement.n_labelled, noun)} labelled by {people}"
    return Block(
        title=title,
        rows=tuple(_rows(agreement)),
        confusions=tuple(
            (f"{one.judge} (rows) beside the majority", _confusion(one.confusion))
            for one in agreement.judges
            if one.confusion is not None
        ),
        reading=tuple(_reading(agreement)),
    )


def _rows(agreement: TaskAgreement) -> Iterator[tuple[str, ...]]:
    for one in agreement.judges:
        alpha = interval_words(one.alpha)
        yield (one.judge, "majority", str(one.n), *_figures(one.majority), alpha)
        if one.each and len(agreement.people_names) > 1:
            judged = str(agreement.n_labelled - one.n_unjudged)
            yield (one.judge, "each person", judged, *_figures(one.each), UNKNOWN)
    people = agreement.people
    if people is not None:
        alpha = interval_words(people.alpha)
        yield ("people", "each other", str(people.n), *_figures(people.each_other), alpha)
        if people.the_rest:
            yield ("people", "majority of the rest", str(people.n), *_figures(people.the_rest),
                   UNKNOWN)  # fmt: skip


def _figures(figures: Mapping[str, Interval | None]) -> Iterator[str]:
    return (interval_words(figures.get(name)) for name in STATISTICS)


def interval_words(interval: Interval | None) -> str:
    """A figure with its bounds.

    >>> from llmroute.records import Interval
    >>> interval_words(Interval(0.7156, 0.6718, 0.7564)), interval_words(None)
    ('0.716 (0.672–0.756)', '–')
    """
    if interval is None:
        return UNKNOWN
    return f"{interval.value:.3f} ({interval.low:.3f}–{interval.high:.3f})"


def _confusion(confusion: Confusion) -> tuple[tuple[str, ...], ...]:
    rows = zip(confusion.levels, confusion.counts, strict=True)
    return (("", *confusion.levels), *((level, *map(str, counts)) for level, counts in rows))


def _reading(agreement: TaskAgreement) -> Iterator[str]:
    for one in agreement.judges:
        yield f"{one.judge}: {_worth(one.alpha)}{_beside_people(agreement)}."
        if one.n_unjudged:
            yield f"{one.judge}: {one.n_unjudged} labelled without a readable verdict, left out."
        if one.n_split:
            yield (
                f"{one.judge}: {one.n_split} without a majority among people, left out beside it "
                "and counted beside each person."
            )
    if agreement.people is None:
        yield (
            "Nobody labelled what somebody else did, so how far people agree is not known: let a "
            "second person label 20 of the same."
        )
    if agreement.effective_votes is not None:
        judges = counted(agreement.n_single, "judge")
        votes = agreement.effective_votes
        yield (
            f"{judges} are worth {votes.value:.1f} ({votes.low:.1f}–{votes.high:.1f}) whose errors "
            "are independent."
        )


def _worth(alpha: Interval | None) -> str:
    """What α allows; by its lower bound where that speaks against it."""
    if alpha is None:
        return "everyone says the same, so agreement beyond chance is not defined"
    if alpha.low >= RELIABLE:
        return f"α is at least {alpha.low:.2f}, reliable"
    if alpha.value >= TENTATIVE:
        return f"α {alpha.value:.2f}, good enough for tentative conclusions"
    return f"α {alpha.value:.2f} is below {TENTATIVE:g}: no evidence without correction by labels"


def _beside_people(agreement: TaskAgreement) -> str:
    people = agreement.people.alpha if agreement.people else None
    return "" if people is None else f"; people among themselves reach {people.value:.2f}"


# -- forms ----------------------------------------------------------------------------------------


def _text(block: Block) -> Iterator[str]:
    yield one_line(block.title)
    yield ""
    yield align_columns(COLUMNS, [_clean(row) for row in block.rows], ("n",))
    for title, (head, *rows) in block.confusions:
        yield f"\n{one_line(title)}"
        names = _clean(head)
        yield align_columns(names, [_clean(row) for row in rows], names[1:])
    yield ""
    yield from (one_line(sentence) for sentence in block.reading)
    yield ""


def _clean(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(one_line(cell) for cell in row)


def _markdown(block: Block) -> Iterator[str]:
    yield f"### {plain(block.title)}\n"
    yield from _markdown_table(COLUMNS, block.rows)
    for title, (head, *rows) in block.confusions:
        yield f"\n{plain(title)}\n"
        yield from _markdown_table(head, rows)
    yield ""
    yield from (f"- {plain(sentence)}" for sentence in block.reading)
    yield ""


def _markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(plain(cell) for cell in head)} |"
    yield f"|{'---|' * len(head)}"
    for first, *others in rows:
        yield f"| {' | '.join([code_span(first), *(plain(cell) for cell in others)])} |"
