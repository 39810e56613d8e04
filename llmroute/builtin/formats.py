"""Ask → its text put in another form: the handful of conversions a rule can do."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from html import unescape

from llmroute.builtin.ask import Ask
from llmroute.builtin.dates import DATE, read_iso_date
from llmroute.builtin.words import read_words

_SMALL = "a an and as at but by for from in nor of on or the to up with"
SMALL = frozenset(_SMALL.split())
TIME = re.compile(r"\b(\d{1,2})(?:[:.](\d\d))?\s*([ap])\.?m\b\.?", re.IGNORECASE)


def normalise(ask: Ask) -> str | None:
    """The material after every conversion the instructions name; None where they name none."""
    text, done = ask.body, False
    orders = f"{ask.instructions}\n{ask.question}"
    for wanted, convert in CONVERSIONS:
        if wanted.search(orders):
            text, done = convert(text), True
    return text.strip() if done else None


def tidy(text: str) -> str:
    r"""Single spaces, no blank lines, nothing at the edges.

    >>> tidy("  a   b \n\n\n c ")
    'a b\nc'
    """
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def split_items(text: str) -> list[str]:
    """The items of a list written over lines, bullets, numbers, semicolons or commas."""
    lines = tidy(text).splitlines()
    if len(lines) < 2:
        lines = re.split(r"\s*;\s*" if ";" in text else r"\s*,\s*(?:and\s+)?", tidy(text))
    return [item for line in lines if (item := re.sub(r"^(?:[-*•]|\d{1,3}[.)])\s*", "", line))]


def join_words(separator: str, form: Callable[[int, str], str]) -> Callable[[str], str]:
    """A conversion into one identifier, such as snake_case."""
    return lambda text: separator.join(form(i, word) for i, word in enumerate(split_humps(text)))


def split_humps(text: str) -> list[str]:
    """The words of a phrase or of an identifier in any case.

    >>> split_humps("parseHTTPHeader"), split_humps("Due date")
    (['parse', 'http', 'header'], ['due', 'date'])
    """
    return read_words(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text))


def write_title(text: str) -> str:
    """Every word with a capital but the small ones inside.

    >>> write_title("THE WIND IN THE WILLOWS")
    'The Wind in the Willows'
    """
    words = text.lower().split()
    edges = (0, len(words) - 1)
    return " ".join(
        word if word in SMALL and i not in edges else word[:1].upper() + word[1:]
        for i, word in enumerate(words)
    )


def rewrite_dates(text: str) -> str:
    """Every date as YYYY-MM-DD."""
    return DATE.sub(lambda found: read_iso_date(found.group()) or found.group(), text)


def rewrite_times(text: str) -> str:
    """Every 12-hour time as HH:MM.

    >>> rewrite_times("from 9am to 12:30 p.m.")
    'from 09:00 to 12:30'
    """

    def day_time(found: re.Match[str]) -> str:
        hour = int(found[1]) % 12 + (12 if found[3].lower() == "p" else 0)
        return f"{hour:02d}:{found[2] or '00'}"

    return TIME.sub(day_time, text)


def drop_markup(text: str) -> str:
    """The text without HTML tags, entities and Markdown emphasis."""
    plain = unescape(re.sub(r"<[^<>]{0,500}>", " ", text))
    return tidy(re.sub(r"(\*\*|__|`|^#+ )", "", plain, flags=re.MULTILINE))


def sort_items(text: str) -> str:
    """The items in alphabetical order, one a line."""
    return "\n".join(sorted(split_items(text), key=str.lower))


def drop_repeats(text: str) -> str:
    """The items without those that came before, letter case aside."""
    first: dict[str, str] = {}
    for item in split_items(text):
        first.setdefault(item.lower(), item)
    return "\n".join(first.values())


def number_items(text: str) -> str:
    """The items, one a line, each after its number."""
    return "\n".join(f"{i}. {item}" for i, item in enumerate(split_items(text), 1))


def group_digits(text: str) -> str:
    """Every whole number of four digits or more with thousands separators.

    >>> group_digits("1234567 of 999")
    '1,234,567 of 999'
    """
    return re.sub(r"(?<![\w.])\d{4,15}(?!\w)", lambda found: f"{int(found[0]):,}", text)


def write_json(text: str) -> str:
    """JSON of a CSV table, of "key: value" lines, of JSON itself, or of a list of items."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        pass
    lines = tidy(text).splitlines()
    if len(lines) > 1 and "," in lines[0] and ":" not in lines[0]:
        return json.dumps(
            [_without_surplus(row) for row in csv.DictReader(io.StringIO("\n".join(lines)))]
        )
    pairs = [line.partition(":") for line in lines if ":" in line]
    if pairs:
        return json.dumps(
            {key.strip(): value.strip() for key, _, value in pairs}, ensure_ascii=False
        )
    return json.dumps(split_items(text), ensure_ascii=False)


def _without_surplus(row: dict[str | None, object]) -> dict[str, object]:
    return {key: value for key, value in row.items() if key is not None}


def write_csv(text: str) -> str:
    """CSV of a JSON array of objects; any other text as it stands."""
    try:
        rows = json.loads(text)
        names = list(rows[0])
        table = [names, *([row.get(name, "") for name in names] for row in rows)]
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return text
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(table)
    return out.getvalue()


def _order(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


CONVERSIONS: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (_order(r"(?:strip|remove|drop)\W+(?:\w+\W+){0,4}(?:html|tags|markdown|markup)"), drop_markup),
    (_order(r"\b(?:whitespace|spaces|spacing|blank lines)\b"), tidy),
    (_order(r"\biso\b|yyyy-mm-dd"), rewrite_dates),
    (_order(r"\b24[- ]hour|\bHH:MM"), rewrite_times),
    (_order(r"\b(?:duplicates?|deduplicate|unique)\b"), drop_repeats),
    (_order(r"\b(?:sort\w*|alphabetical\w*)\b"), sort_items),
    (_order(r"\bbullet"), lambda text: "\n".join(f"- {item}" for item in split_items(text))),
    (_order(r"\bnumbered"), number_items),
    (_order(r"\bcomma[- ]separated"), lambda text: ", ".join(split_items(text))),
    (_order(r"\b(?:to|into|as|in)\b[^.\n]{0,30}\bjson\b"), write_json),
    (_order(r"\b(?:to|into|as|in)\b[^.\n]{0,30}\bcsv\b"), write_csv),
    (_order(r"\bsnake[_ ]?case"), join_words("_", lambda _, word: word)),
    (_order(r"\bkebab[- ]?case|\bslug"), join_words("-", lambda _, word: word)),
    (_order(r"\bcamel ?case"), join_words("", lambda i, word: word.title() if i else word)),
    (_order(r"\btitle case"), write_title),
    (_order(r"\b(?:upper ?case|capital letters)"), str.upper),
    (_order(r"\blower ?case"), str.lower),
    (_order(r"\bthousands? separators?"), group_digits),
    (_order(r"\bdigits only|\bonly (?:the )?digits"), lambda text: re.sub(r"\D", "", text)),
)  # fmt: skip
"""(what the instructions say, what is done): all that apply, in this order."""
