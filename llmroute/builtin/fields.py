"""Ask → a JSON object: the fields the prompt wants, each found by a pattern of its kind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from llmroute.builtin.ask import Ask
from llmroute.builtin.dates import DATE, read_iso_date
from llmroute.builtin.formats import rewrite_times, split_items
from llmroute.builtin.words import read_stems, read_words

MAX_FIELDS = 40
JSON_KEY = re.compile(r"\"([A-Za-z_][\w\- ]{0,40})\"\s*:\s*(\"[^\"\n]{0,200}\"|[^,{}\n]{0,80})?")
LISTED_KEY = re.compile(
    r"^[ \t]*(?:[-*•]|\d{1,2}[.)])[ \t]*[`\"*]*([A-Za-z_]\w{0,40})[`\"*]*[ \t]*"
    r"(?:\(([^)\n]{0,80})\))?[ \t]*(?::|-|–|—|$)[ \t]*([^\n]{0,300})$",
    re.MULTILINE,
)
KEY_LIST = re.compile(
    r"\b(?:keys?|fields?|properties)\b[^:\n]{0,60}:\s*([^\n]{3,600})", re.IGNORECASE
)
PLAIN_KEY = re.compile(
    r"[`\"']?([a-z]\w{1,40})[`\"']?\s*(?:\(([^)]{0,160})\))?\s*(?:,|;|\.|and\b|$)"
)
_SCHEMA_WORDS = (
    "type properties required items title description additionalproperties enum format schema"
    " minimum maximum pattern anyof oneof null string integer boolean object array"
)
SCHEMA_WORDS = frozenset(_SCHEMA_WORDS.split())

EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}")
PHONE = re.compile(r"(?<![\w-])\+?\(?\d{1,4}\)?(?:[ .\-/]?\(?\d{2,5}\)?){2,5}(?![\w-])")
URL = re.compile(r"https?://[^\s<>\"')]{3,300}|\bwww\.[^\s<>\"')]{3,300}")
AMOUNT = re.compile(
    r"(?:[$€£]\s?|\b(?:USD|EUR|GBP|CHF)\s?)(\d[\d,]{0,14}(?:\.\d{1,2})?)"
    r"|(\d[\d,.]{0,14})\s?(?:[$€£]|USD\b|EUR\b|GBP\b|CHF\b|dollars\b|euros\b|pounds\b)"
)
INTEGER = re.compile(r"(?<![\w.,$€£-])\d{1,9}(?![\w]|[.,]\d)")
CODE = re.compile(
    r"(?<!\w)#?(?=[\w-]*\d)[A-Z0-9][A-Z0-9]*(?:[-/][A-Z0-9]+)+|#\d{2,12}|\b[A-Z]{1,5}\d{3,12}\b"
)
PERSON = re.compile(r"\b[A-Z][a-z'’-]+(?: [A-Z][\w'’.-]*){1,3}")
TIME = re.compile(r"\b\d{1,2}[:.]\d\d\b(?:\s*[ap]\.?m\b)?|\b\d{1,2}\s*[ap]\.?m\b", re.IGNORECASE)
SYMBOLS = {"$": "USD", "€": "EUR", "£": "GBP"}
NO = re.compile(r"\b(?:no|not|without|never|isn't|aren't|don't)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Field:
    """A key the prompt asks for, and everything it says about it."""

    key: str
    about: str = ""
    """Description, stated type and example value, as one text."""

    @property
    def words(self) -> frozenset[str]:
        """The words of the key itself, with and without their endings."""
        return frozenset(read_words(self.key.replace("_", " ")))

    def mentions(self, *words: str) -> bool:
        """Whether the key carries one of the words."""
        return not self.words.isdisjoint(words)

    def is_said_to_be(self, *words: str) -> bool:
        """Whether the description carries one of the words."""
        return not set(words).isdisjoint(read_words(self.about))


def extract_fields(ask: Ask) -> str:
    """The requested object as JSON; a field that no pattern finds is null."""
    text = ask.body or ask.question
    found = {field.key: find_value(field, text) for field in read_fields(ask)}
    return json.dumps(found, ensure_ascii=False)


def read_fields(ask: Ask) -> tuple[Field, ...]:
    """The wanted fields: keys of answered examples, of a schema or example object, or listed."""
    for example in ask.examples[-1:]:
        shown = _read_object(example.target)
        if shown:
            return tuple(Field(key, _type_word(value)) for key, value in shown.items())
    text = ask.instructions
    pairs = [(m[1], f"{m[2] or ''} {m[3]}") for m in LISTED_KEY.finditer(text)]
    pairs = pairs or [(m[1], m[2] or "") for m in JSON_KEY.finditer(text)]
    if not pairs and (listed := KEY_LIST.search(text)):
        pairs = [(m[1], m[2] or "") for m in PLAIN_KEY.finditer(listed.group(1))]
    kept = {key: about for key, about in pairs if key.lower() not in SCHEMA_WORDS}
    return tuple(Field(key, about) for key, about in list(kept.items())[:MAX_FIELDS])


def find_value(field: Field, text: str) -> Any:
    """The value of one field in the text: its labelled line first, then the pattern of its kind."""
    for applies, find in KINDS:
        if applies(field):
            return find(field, text)
    return find_labelled(field, text)


def find_labelled(field: Field, text: str) -> str | None:
    """The rest of a line "Label: value" whose label shares a word with the key.

    >>> find_labelled(Field("customer_name"), "Order 7\\nCustomer: Ada Byron\\n")
    'Ada Byron'
    """
    wanted = set(read_stems(field.key.replace("_", " ")))
    for line in text.splitlines():
        label, colon, value = line.partition(":")
        if colon and len(label) < 40 and value.strip() and wanted & set(read_stems(label)):
            return value.strip().rstrip(".,;")
    return None


def _nearest(pattern: re.Pattern[str], field: Field, text: str) -> re.Match[str] | None:
    """The match that follows, or stands nearest to, a word of the key."""
    matches = list(pattern.finditer(text))[:200]
    wanted = set(read_stems(field.key.replace("_", " ")))
    places = [m.start() for m in re.finditer(r"\w+", text) if wanted & set(read_stems(m.group()))]
    if not places:
        return matches[0] if matches else None

    def distance(match: re.Match[str]) -> int:
        # A value before its word is half as likely as one as far behind it.
        return min(
            match.start() - at if at <= match.start() else 2 * (at - match.start())
            for at in places[:200]
        )

    return min(matches, key=distance, default=None)


def _text(pattern: re.Pattern[str]) -> Callable[[Field, str], Any]:
    def find(field: Field, text: str) -> Any:
        found = _nearest(pattern, field, text)
        return found.group().strip(" .#") if found else None

    return find


def _all_texts(pattern: re.Pattern[str]) -> Callable[[Field, str], Any]:
    return lambda _, text: list(dict.fromkeys(m.group() for m in pattern.finditer(text)))[:50]


def _amount(field: Field, text: str) -> float | int | None:
    found = _nearest(AMOUNT, field, text) or _nearest(INTEGER, field, text)
    digits = (
        next((part for part in (found.groups() or (found.group(),)) if part), "") if found else ""
    )
    return read_number(digits)


def read_number(digits: str) -> float | int | None:
    """A written number, whole where it is whole.

    >>> read_number("1,200.50"), read_number("12."), read_number("")
    (1200.5, 12, None)
    """
    try:
        value = float(digits.replace(",", "").rstrip("."))
    except ValueError:
        return None
    return int(value) if value.is_integer() else value


def _integer(field: Field, text: str) -> int | None:
    found = _nearest(INTEGER, field, text)
    return int(found.group()) if found else None


def _date(field: Field, text: str) -> str | None:
    found = _nearest(DATE, field, text)
    return (read_iso_date(found.group()) or found.group()) if found else None


def _time(field: Field, text: str) -> str | None:
    found = _nearest(TIME, field, text)
    if not found:
        return None
    hour, _, minute = rewrite_times(found.group()).strip().replace(".", ":").partition(":")
    return f"{hour:0>2}:{minute}"


def _items(field: Field, text: str) -> list[Any]:
    labelled = find_labelled(field, text)
    items = split_items(labelled) if labelled else []
    return [read_number(item) for item in items] if field.is_said_to_be("integers") else list(items)


def _currency(_: Field, text: str) -> str | None:
    found = re.search(r"\b(?:USD|EUR|GBP|CHF|JPY|AUD|CAD|SEK|INR)\b|[$€£]", text)
    return SYMBOLS.get(found.group(), found.group()) if found else None


def _flag(field: Field, text: str) -> bool:
    wanted = set(read_stems(field.key.replace("_", " ")))
    for sentence in re.split(r"[.!?\n]", text):
        if wanted & set(read_stems(sentence)):
            return not NO.search(sentence)
    return False


def _person(field: Field, text: str) -> str | None:
    labelled = find_labelled(field, text)
    if labelled:
        return re.sub(r"\s*<[^>]*>.*$", "", labelled)
    said = re.search(
        r"(?:[Mm]y name is|I am|I'm|[Tt]his is|[Rr]egards,?|[Tt]hanks,?|[Cc]heers,?|[Bb]est,?)"
        r"\s{1,4}([A-Z][\w'’-]+(?: [A-Z][\w'’.-]+){0,2})",
        text,
    )
    if said:
        return said.group(1).rstrip(".,")
    found = PERSON.search(text)
    return found.group() if found else None


def _type_word(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "string")


def _read_object(text: str) -> Mapping[str, Any] | None:
    start, end = text.find("{"), text.rfind("}")
    try:
        value = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


AMOUNTS = (
    "total", "amount", "price", "cost", "fee", "rent", "salary", "subtotal", "tax", "vat",
    "discount", "balance", "usd", "eur", "budget", "deposit",
)  # fmt: skip
CODES = ("id", "number", "no", "ref", "reference", "code", "sku", "po", "invoice", "order")
COUNTS = ("quantity", "qty", "count", "bedrooms", "bathrooms", "rooms", "guests", "people", "year")
DATES = ("date", "deadline", "due", "day", "birthday", "dob")
PEOPLE = ("name", "sender", "customer", "contact", "person", "author", "recipient")
KINDS: tuple[tuple[Callable[[Field], bool], Callable[[Field, str], Any]], ...] = (
    (lambda f: f.mentions("emails", "mails"), _all_texts(EMAIL)),
    (lambda f: f.is_said_to_be("list", "array"), _items),
    (lambda f: f.mentions("email", "mail"), _text(EMAIL)),
    (lambda f: f.mentions("phone", "telephone", "tel", "mobile", "fax"), _text(PHONE)),
    (lambda f: f.mentions("url", "website", "link"), _text(URL)),
    (lambda f: f.is_said_to_be("boolean", "bool", "true", "false"), _flag),
    (lambda f: f.mentions("currency"), _currency),
    (lambda f: f.mentions("time") or f.is_said_to_be("time"), _time),
    (lambda f: f.mentions(*DATES) or f.is_said_to_be("date", "yyyy"), _date),
    (lambda f: f.mentions(*AMOUNTS), _amount),
    (lambda f: f.is_said_to_be("integer", "int"), _integer),
    (lambda f: f.is_said_to_be("number", "float", "decimal"), _amount),
    (lambda f: f.mentions(*CODES), _text(CODE)),
    (lambda f: f.mentions(*COUNTS), _integer),
    (lambda f: f.mentions(*PEOPLE), _person),
)
"""(applies, find): the first kind that applies to a field finds its value."""
