"""LaTeX → plain expressions that can be compared."""

from __future__ import annotations

import re
from functools import lru_cache

MAX_EXPRESSION = 2000
_TAB_OR_RETURN = re.compile(r"\t(?=(?:ext|imes|frac|heta|an)\b)|\r(?=ight\b)")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*+(?=\{)|\\boxed\s++(?=[^\s{])")


def last_boxed(text: str) -> str | None:
    r"""What the last `\boxed{}` holds, braces matched; None where there is none.

    >>> last_boxed(r"so \boxed{\frac{1}{2}} it is")
    '\\frac{1}{2}'
    """
    start = text.rfind("box")
    while start > 0:
        match = _BOXED.match(text, start - (text[start - 1] == "f") - 1)
        if match:
            return _boxed_at(text, match.end())
        start = text.rfind("box", 0, start)
    return None


def unescaped(text: str) -> str:
    """The text with the backslashes back that JSON's escapes took from LaTeX ("\\frac" in JSON).

    >>> unescaped("\\x0crac{1}{2} \\times 3") == "\\\\frac{1}{2} \\\\times 3"
    True
    """
    if not any(control in text for control in "\x08\x0c\t\r"):
        return text
    text = text.replace("\x0crac", "\\frac").replace("\x08oxed", "\\boxed")
    return _TAB_OR_RETURN.sub(lambda match: "\\t" if match[0] == "\t" else "\\r", text)


def _boxed_at(text: str, start: int) -> str | None:
    if text[start] != "{":
        return text[start:].split(maxsplit=1)[0].rstrip("$.,")
    end = closing_brace(text, start)
    return None if end is None else text[start + 1 : end]


def closing_brace(text: str, start: int) -> int | None:
    """Where the brace that opens at `start` closes, or None; `\\{` and `\\}` do not count."""
    depth, position = 0, start
    limit = min(len(text), start + MAX_EXPRESSION)
    while position < limit:
        character = text[position]
        if character == "\\":
            position += 1
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    return None


_SPACES = re.compile(r"\\(?:[,;:! ]|quad\b|qquad\b|thinspace\b|displaystyle\b)|~")
_SIZES = re.compile(r"\\(?:left|right|big|Big|bigg|Bigg)(?![a-zA-Z])(?:\.)?")
_UNIT = re.compile(
    r"(?<=[\d)}])\s*+(?:\\[,; ])*+\\(?:text|mathrm|mbox|textrm|rm)\s?\{[^{}]*+\}"
    r"(?:\s?\^\s?\{?-?\d\}?)?\.?\s*+$"
)
_UNIT_WORDS = re.compile(
    r"(?<=[\d)}])\s++(?!(?:or|and|if|when|where|to|in|mod|sqrt|pi)\b)[A-Za-z]{2,}"
    r"(?:[ /-][A-Za-z]++)*+(?:\^\{?\d\}?)?\.?$"
)
_DEGREES = re.compile(r"\^?\{?\\circ\}?|°|\\degree\b|(?<=[\d)}])\s*+degrees?\b")
_CURRENCY = re.compile(r"\\?\$|[€£¥₹]")
_FONTS = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mathsf|mathbb|mbox|operatorname\*?|rm|bf)"
    r"(?![a-zA-Z])"
)
_WORDS = (
    (re.compile(r"\\(?:d|t|c)frac(?![a-zA-Z])"), r"\\frac"),
    (re.compile(r"\\(?:cdot|times|ast)(?![a-zA-Z])|[·×∙]"), "*"),
    (re.compile(r"\\div(?![a-zA-Z])|÷"), "/"),
    (re.compile(r"\\(?:leq?|leqslant)(?![a-zA-Z])|≤"), "<="),
    (re.compile(r"\\(?:geq?|geqslant)(?![a-zA-Z])|≥"), ">="),
    (re.compile(r"\\neq?(?![a-zA-Z])|≠"), "!="),
    (re.compile(r"\\lt(?![a-zA-Z])"), "<"),
    (re.compile(r"\\gt(?![a-zA-Z])"), ">"),
    (re.compile(r"\\cup(?![a-zA-Z])|∪"), " U "),
    (re.compile(r"\\in(?![a-zA-Z])|∈"), " in "),
    (re.compile(r"\\pm(?![a-zA-Z])|±"), "±"),
    (re.compile(r"\\infty(?![a-zA-Z])|∞"), "infinity"),
    (re.compile(r"\\pi(?![a-zA-Z])|π"), " pi "),
    (re.compile(r"√\s*+(\d++(?:\.\d++)?|[a-zA-Z])"), r"sqrt(\1)"),
    (re.compile(r"√\s*+(?=\()"), "sqrt"),
    (re.compile(r"\\%|%"), ""),
    (re.compile(r"\{,\}|,\\!|(?<=\d)\\,(?=\d{3})"), ""),
    (re.compile(r"\\(?:begin|end)\{[a-zA-Z*]++\}"), "|"),
    (re.compile(r"\\\\"), ";"),
)
_PLAIN = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "²": "^2",
        "³": "^3",
        "½": "(1/2)",
        "\u00a0": " ",
        "\u202f": " ",
        "∅": "{}",
    }
)
_THOUSANDS = re.compile(r"([-+]?)(\d{1,3}(?:,\d{3})+)((?:\.\d+)?)")
_SHORT_FRACTION = re.compile(r"\\frac\s*+([\da-zA-Z])\s*+([\da-zA-Z])")
_SUBSCRIPT = re.compile(r"_\((\w+)\)")
_SHORT_ROOT = re.compile(r"\\sqrt\s*+([\da-zA-Z])")


@lru_cache(maxsize=16384)
def plain_expression(text: str) -> str:
    r"""A final answer without LaTeX: `(1)/(2)`, `sqrt(3)`, `x^(2)`; spaces, units and $ gone.

    What it does not know stays as it stands, so two equal spellings always stay equal.

    >>> plain_expression(r"$\dfrac{1}{2}\,\text{cm}^2$")
    '(1)/(2)'
    >>> plain_expression("12,000 dollars")
    '12000'
    """
    text = text[:MAX_EXPRESSION].translate(_PLAIN).strip().strip(".:")
    text = _CURRENCY.sub("", text.replace(r"\(", "").replace(r"\)", ""))
    text = text.replace(r"\[", "").replace(r"\]", "").strip()
    text = _UNIT_WORDS.sub("", _DEGREES.sub("", _UNIT.sub("", text)))
    text = _SIZES.sub("", text)
    for pattern, replacement in _WORDS:
        text = pattern.sub(replacement, text)
    text = _FONTS.sub("", _SPACES.sub(" ", text))
    text = _without_braces(
        _SHORT_ROOT.sub(r"\\sqrt{\1}", _SHORT_FRACTION.sub(r"\\frac{\1}{\2}", text))
    )
    text = _SUBSCRIPT.sub(r"_\1", text)
    if thousands := _THOUSANDS.fullmatch(text.strip()):
        text = thousands[1] + thousands[2].replace(",", "") + thousands[3]
    return text


def _without_braces(text: str) -> str:
    """Commands with arguments as functions, `\\{` as `{`, other braces as parentheses."""
    out: list[str] = []
    _translate(text, 0, len(text), out, 0)
    return " ".join("".join(out).split())


def _translate(text: str, position: int, end: int, out: list[str], depth: int) -> None:
    while position < end:
        if text.startswith(("\\{", "\\}"), position):
            out.append("{" if text[position + 1] == "{" else "}")
            position += 2
        elif text.startswith("\\frac", position):
            position = _fraction(text, position, end, out, depth)
        elif text.startswith("\\sqrt", position):
            position = _root(text, position + 5, end, out, depth)
        elif text[position] == "{":
            position = _group(text, position, end, out, depth)
        else:
            out.append("" if text[position] in "\\}" else text[position])
            position += 1


def _fraction(text: str, position: int, end: int, out: list[str], depth: int) -> int:
    """`\\frac{a}{b}` as (a)/(b), and as a mixed number after a digit: 2\\frac{1}{2} is 2.5."""
    mixed = bool(out) and out[-1].isdigit() and _MIXED.match(text, position)
    out.append("+" if mixed else "")
    position = _group(text, _skip(text, position + 5, end), end, out, depth)
    out.append("/")
    return _group(text, _skip(text, position, end), end, out, depth)


_MIXED = re.compile(r"\\frac\s*\{\d+\}\s*\{\d+\}")


def _root(text: str, position: int, end: int, out: list[str], depth: int) -> int:
    position = _skip(text, position, end)
    index = (
        text.find("]", position, min(end, position + 20)) if text.startswith("[", position) else -1
    )
    if index < 0:
        out.append(" sqrt")
        return _group(text, position, end, out, depth)
    out.append("(")
    after = _group(text, _skip(text, index + 1, end), end, out, depth)
    out.append(f"^(1/({text[position + 1 : index]})))")
    return after


def _group(text: str, position: int, end: int, out: list[str], depth: int) -> int:
    """A braced group in parentheses, or one character; returns where it ends."""
    if position >= end:
        return end
    if text[position] != "{":
        out.append(text[position] if text[position] != "\\" else "")
        return position + 1
    closing = closing_brace(text, position)
    if closing is None or closing >= end or depth > _MAX_NESTING:
        return position + 1
    inner: list[str] = []
    _translate(text, position + 1, closing, inner, depth + 1)
    content = "".join(inner).strip()
    out.append(f"({content})" if content else "")
    return closing + 1


def _skip(text: str, position: int, end: int) -> int:
    while position < end and text[position] == " ":
        position += 1
    return position


_MAX_NESTING = 30
