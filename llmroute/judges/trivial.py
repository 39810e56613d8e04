"""Output → why it scores 0 before any judge is asked, or nothing.

Judges pass answers that say nothing: ":" and "Thought process:" are graded right up to 90 % of the
time ("One Token to Fool LLM-as-a-Judge", arXiv 2507.08794). None of them needs a judge.
"""

from __future__ import annotations

import re
import unicodedata

import regex

_MARKUP = re.compile(r"<[^<>]{0,200}>|```[\w+-]*|&[a-z]{2,8};")
_WORD = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]|[\p{L}\p{M}\p{N}]+")
_INVISIBLE = regex.compile(r"[\p{Cf}\p{Cc}--\s]", regex.VERSION1)
_EXCEPT_WORDS = regex.compile(r"[^\p{L}\p{M}\p{N}]+")
_OPENERS = frozenset(
    phrase.strip()
    for phrase in """
    thought process|thinking process|reasoning process|my reasoning|my thought process|the reasoning
    lets solve this problem step by step|lets think step by step|let us think step by step
    lets solve this step by step|lets break this down|lets work through this|step by step solution
    the answer is|the final answer is|final answer|the solution is|my answer is|here is the answer
    here is my answer|here is the solution|heres the answer|heres my answer|answer below
    solution|answer
    解|解答|答案|答え|かいせつ|解説|思考过程|思考過程|让我们一步一步地思考|让我们一步步思考
    respuesta|la respuesta es|proceso de pensamiento|réponse|la réponse est|antwort|die antwort ist
    lösung|gedankengang|ответ|решение
    """.replace("\n", "|").split("|")
)


def trivial_reason(output: str, *, short_answers_allowed: bool = False) -> str | None:
    """Why an output is no answer at all, as a clause; None where a judge must read it.

    Args:
        output: the whole answer.
        short_answers_allowed: whether one word or number can be right.

    >>> trivial_reason("Thought process:"), trivial_reason("42"), trivial_reason("It is 42.")
    ('only announces an answer', 'is a single word', None)
    >>> trivial_reason("42", short_answers_allowed=True)
    """
    text = _MARKUP.sub(" ", unicodedata.normalize("NFKC", output)).casefold()
    text = _INVISIBLE.sub("", text)
    words = _WORD.findall(text)
    if not output.strip():
        return "is empty"
    if not words:
        return "holds no word"
    if _announces(text):
        return "only announces an answer"
    if len(set(words)) == 1 and not short_answers_allowed:
        return "is a single word" if len(words) == 1 else "is a single word, repeated"
    return None


def _announces(text: str) -> bool:
    bare = " ".join(_EXCEPT_WORDS.sub(" ", text.replace("'", "").replace("’", "")).split())
    return bare in _OPENERS
