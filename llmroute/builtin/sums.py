"""Ask → the number a word problem most likely wants, from the words between its numbers."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from fractions import Fraction
from math import prod

from llmroute.builtin.ask import Ask
from llmroute.builtin.words import split_sentences

NUMBER = re.compile(r"(?<![\w.])\d{1,12}(?:,\d{3}){0,4}(?:\.\d{1,9})?")
EXPRESSION = re.compile(r"(?<![\w.])\({0,5}\d[\d\s.,()+\-*/×÷x^]{0,80}\d\){0,5}")
OPERATOR = re.compile(r"[+*×÷]| [-/x] ")
PERCENT_OF = re.compile(
    r"(?P<share>\d{1,6}(?:\.\d{1,6})?)\s*(?:%|percent) of "
    r"\D{0,30}?(?P<whole>\d[\d,]{0,15}(?:\.\d{1,6})?)"
)
_COUNTED = "two three four five six seven eight nine ten eleven twelve"
SPELLED = {word: Fraction(value) for value, word in enumerate(_COUNTED.split(), 2)} | {
    "twice": Fraction(2),
    "dozen": Fraction(12),
    "twenty": Fraction(20),
    "half": Fraction(1, 2),
}
DIVIDES = re.compile(
    r"\b(?:divided?|split|shared?|equally|average|per (?:person|hour|day|week|item|box)\?|each\?"
    r"|how (?:many|much) (?:\w+ ){0,4}(?:each|per))\b",
    re.IGNORECASE,
)
TAKES_AWAY = re.compile(
    r"\b(?:left|remain\w*|fewer|less|spen[dt]s?|gave|gives? away|sold|sells|ate|lost|used|change"
    r"|discount|difference|still|after paying|removed?|how (?:much|many) more)\b",
    re.IGNORECASE,
)
MULTIPLIES = re.compile(
    r"\b(?:each|every|per|times|twice|a piece|apiece|an hour|a day|a week|a month|area)\b",
    re.IGNORECASE,
)
OPERATIONS: dict[type, Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def solve_sum(ask: Ask) -> str:
    """A last line `Answer: NUMBER`, in the form the prompt asks for where it names one."""
    text = "\n".join(part for part in (ask.body, ask.question) if part)
    return present(guess_number(text), f"{ask.instructions}\n{text}")


def guess_number(text: str) -> Fraction:
    """The outcome of a written expression, a percentage, or the operation the words suggest.

    >>> guess_number("What is 12 * (3 + 4)?"), guess_number("What is 15% of 80?")
    (Fraction(84, 1), Fraction(12, 1))
    >>> guess_number("Ann had 12 eggs and gave away 5. How many are left?")
    Fraction(7, 1)
    """
    for written in EXPRESSION.finditer(text):
        if OPERATOR.search(written.group()) and (found := evaluate(written.group())) is not None:
            return found
    if part := PERCENT_OF.search(text):
        return Fraction(part["share"]) / 100 * Fraction(part["whole"].replace(",", ""))
    numbers = read_numbers(text)
    if len(numbers) < 2:
        return numbers[0] if numbers else Fraction(0)
    return combine(numbers, text)


def combine(numbers: list[Fraction], text: str) -> Fraction:
    """One operation over all numbers: the question decides first, then the whole text."""
    sentences = split_sentences(text)
    asked = sentences[-1] if sentences else text
    for scope in (asked, text):
        if DIVIDES.search(scope) and numbers[-1]:
            return numbers[0] / numbers[-1]
        if TAKES_AWAY.search(scope):
            return _take_away(numbers, text)
        if MULTIPLIES.search(scope):
            return prod(numbers[:3], start=Fraction(1))
    return sum(numbers, Fraction(0))


def _take_away(numbers: list[Fraction], text: str) -> Fraction:
    largest = max(numbers)
    if len(numbers) == 3 and MULTIPLIES.search(text):
        others = sorted(numbers)[:2]
        return largest - others[0] * others[1]
    return largest * 2 - sum(numbers)


def read_numbers(text: str) -> list[Fraction]:
    """Every number in the text, in order, small spelled ones too.

    >>> [int(number) for number in read_numbers("Two trays of 1,200 eggs")]
    [2, 1200]
    """
    found = [(m.start(), Fraction(m.group().replace(",", ""))) for m in NUMBER.finditer(text)]
    words = re.finditer(r"[a-z]+", text.lower())
    found += [(m.start(), SPELLED[m.group()]) for m in words if m.group() in SPELLED]
    return [number for _, number in sorted(found)][:24]


def evaluate(expression: str) -> Fraction | None:
    """The value of + - * / over plain numbers, or None where it is no such thing.

    >>> evaluate("2 × (3 + 1) / 3"), evaluate("12"), evaluate("1/0")
    (Fraction(8, 3), None, None)
    """
    plain = expression.replace(",", "").translate(str.maketrans("×x÷", "**/"))
    try:
        tree = ast.parse(plain.strip(), mode="eval").body
        return _fold(tree) if isinstance(tree, ast.BinOp) else None
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
        return None


def _fold(node: ast.expr) -> Fraction:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(str(node.value))
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        return OPERATIONS[type(node.op)](_fold(node.left), _fold(node.right))
    raise ValueError("not a sum")


def present(number: Fraction, prompt: str) -> str:
    r"""The number as the prompt wants its answer shown.

    >>> present(Fraction(7, 2), "End with 'Answer: N'."), present(Fraction(4), r"in \boxed{}")
    ('Answer: 3.5', '\\boxed{4}')
    """
    shown = str(number.numerator) if number.denominator == 1 else f"{float(number):.6g}"
    if "boxed" in prompt:
        return f"\\boxed{{{shown}}}"
    return f"#### {shown}" if "####" in prompt else f"Answer: {shown}"
