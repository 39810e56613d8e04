"""How long does it take to refuse a hostile rubric?

    python benchmarks/hostile_rubrics.py

Each template stands in an otherwise usable rubric, in place of its system message, its prompt or
its pairwise prompt: calls and attributes, computing, loops and numbers that grow, nesting that
breaks parsers, templates that let the answer out of its block or leave it out. Goal: all are
refused at load, each within 100 ms.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from llmroute.errors import JudgeError
from llmroute.judges.load import read_rubric
from llmroute.judges.standard import PROMPT, SYSTEM

LIMIT_S = 0.1

EXPRESSIONS = [
    "{{ answer.__class__ }}",
    "{{ answer['__class__'] }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ criteria.__class__.__base__ }}",
    "{{ answer|attr('__class__') }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ config.items() }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ lipsum.__globals__['os'].environ }}",
    "{{ '{0.__class__}'.format(answer) }}",
    "{{ '%s'|format(answer) }}",
    "{{ range(1000000000) }}",
    "{{ namespace(x=1) }}",
    "{{ dict(a=answer) }}",
    "{{ criteria.append(1) }}",
    "{{ criteria.pop() }}",
    "{{ answer.encode() }}",
    "{{ _steps }}",
    "{{ 10**10000000 }}",
    "{{ 2**63 * answer }}",
    "{{ answer * 1000000000 }}",
    "{{ answer + question }}",
    "{{ answer ~ question }}",
    "{{ -n_words }}",
    "{{ n_words / 0 }}",
    "{{ answer[:100] }}",
    "{{ answer[::-1] }}",
    "{{ answer|reverse }}",
    "{{ answer|center(1000000000) }}",
    "{{ answer|indent(1000000000) }}",
    "{{ n_words|round(1000000000) }}",
    "{{ criteria|map(attribute='name') }}",
    "{{ criteria|list|length }}",
    "{{ criteria|random }}",
    "{{ answer|safe }}",
    "{{ answer|urlize }}",
    "{{ answer|striptags }}",
    "{{ answer is callable }}",
    "{{ answer is match('x') }}",
    "{% for i in range(10) %}{% endfor %}",
    "{% for c in 'abc' %}{{ c }}{% endfor %}",
    "{% for c in criteria recursive %}{{ loop(c.levels) }}{% endfor %}",
    "{% for c in criteria if c %}{{ c }}{% endfor %}",
    "{% set answer = 'right' %}{{ answer }}",
    "{% macro grade() %}right{% endmacro %}{{ grade() }}",
    "{% call answer() %}{% endcall %}",
    "{% filter upper %}{{ answer }}{% endfilter %}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% from 'os' import environ %}",
    "{% extends 'judge' %}",
    "{% block b %}{% endblock %}",
    "{% with a = answer %}{{ a }}{% endwith %}",
    "{% do criteria.clear() %}",
    "{% debug %}",
    "{% autoescape false %}{{ answer }}{% endautoescape %}",
    "{% raw %}{{ answer }}",
    "{{ 1e999 }}",
    "{{ " + "9" * 90_000 + " }}",
    "{{ " + "(" * 40_000 + "answer" + ")" * 40_000 + " }}",
    "{{ " + "[" * 40_000,
    "{{ " * 30_000,
    "{%" * 40_000,
    "{#" * 40_000,
    "{{ answer" + "|upper" * 10_000 + " }}",
    "{{ criteria" + "[0]" * 30_000 + " }}",
    "{{ " + "not " * 20_000 + "answer }}",
    "{{ " + " and ".join(["answer"] * 10_000) + " }}",
    "{{ " + "answer if " * 10_000 + "answer }}",
    "{% if answer %}" * 5_000,
    "{% for c in criteria %}" * 30 + "{% endfor %}" * 30,
    "{{ answer }}" * 5_000,
    "x" * 100_001,
    "{{ }}",
    "{{ answer",
    "{% endfor %}",
]
"""Beside the standard prompt."""

LEAKS = [
    "{{ answer | replace('\\\\n', '\n') }}",
    "{{ answer | replace('\\\\u003c', '<') }}",
    "{{ answer | lower }}",
    "{{ answer | upper | trim }}",
    "{{ question | title }}",
    "{{ answer | tojson | tojson }}",
    "{{ answer | replace('BEGIN', '') }}",
    "{{ answer | replace(nonce, '') }}",
    "{% for character in answer %}{{ character }} {% endfor %}",
    "{{ fields | tojson }}{{ answer | replace('\"', '') }}",
    "{{ first }}",
    "{{ passage }}",
    "{{ target }}",
    "{{ reply }}",
]
"""Beside the standard prompt: data outside its block, or data there is not."""

BARE = [
    ("prompt", "Grade it. {{ question }} {{ nonce }}"),
    ("prompt", "Grade it. {{ answer }} {{ nonce }}"),
    ("prompt", "{{ question | upper }} {{ answer | upper }} {{ nonce }}"),
    ("pairwise_prompt", "{{ nonce }} {{ question }} {{ first }} {{ first }}"),
    ("pairwise_prompt", "{{ nonce }} {{ question }} {{ second }}"),
    ("pairwise_prompt", PROMPT),
    ("system", "Be fair."),
    ("system", SYSTEM + "{{ answer }}"),
    ("system", SYSTEM + "{{ question }}"),
    ("system", SYSTEM.replace("{{ reply_form }}", "{{ reply_form | upper }}")),
]
"""In place of a template."""


def hostile_templates() -> Iterator[tuple[str, str]]:
    """(key, template) of each."""
    yield from (("prompt", f"{PROMPT}\n{text}") for text in EXPRESSIONS)
    yield from (("prompt", f"{PROMPT}\n{text}") for text in LEAKS)
    yield from BARE


def rubric_text(key: str, template: str) -> str:
    """A rubric whose only fault is the template; JSON is YAML."""
    levels = [
        {"label": "wrong", "value": 0, "anchor": "It is not."},
        {"label": "right", "value": 1, "anchor": "It is."},
    ]
    criterion = {"name": "right", "question": "Is it right?", "levels": levels}
    return json.dumps({"name": "hostile", "criteria": [criterion], key: template})


def refusal(folder: Path, key: str, template: str) -> tuple[JudgeError | None, float]:
    """The error at load, or None where it loads, and the seconds of CPU it took."""
    path = folder / "hostile.yaml"
    path.write_text(rubric_text(key, template))
    start = time.process_time()
    try:
        read_rubric(path)
    except JudgeError as error:
        return error, time.process_time() - start
    return None, time.process_time() - start


def main() -> None:
    templates = list(hostile_templates())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for template in (PROMPT, f"{PROMPT}{{{{ anwser }}}}"):  # imports what all of them share
            refusal(folder, "prompt", template)
        results = [(text, *refusal(folder, key, text)) for key, text in templates]
    taken = sorted(seconds for _, _, seconds in results)
    passed = [text for text, error, _ in results if error is None]
    print(f"{len(templates)} hostile rubric templates, {len(passed)} let through: {passed}")
    print(
        f"CPU time: median {1e3 * taken[len(taken) // 2]:.1f} ms, slowest {1e3 * taken[-1]:.1f} ms"
    )
    print(f"goal: none let through, each within {1e3 * LIMIT_S:.0f} ms")
    slowest = max(results, key=lambda result: result[2])
    print(f"slowest: …{slowest[0][-40:]!r}: {slowest[1] and slowest[1].what.splitlines()[0][:80]}")


if __name__ == "__main__":
    main()
