"""Templates fill in data and can neither call nor compute."""

from __future__ import annotations

import pytest

from llmroute.errors import JudgeError, SuiteError
from llmroute.templates import Template, compile_template
from llmroute.templates.allowed import MAX_TOKENS


def render(text: str, **values: object) -> str:
    return compile_template(text).render(values)


@pytest.mark.parametrize(
    ("text", "values", "said"),
    [
        ("{{ a }}", {"a": "<b>"}, "<b>"),
        ("{{ a }} {{ b }}", {"a": 1.5, "b": True}, "1.5 true"),
        ("{{ a }}", {"a": None}, "null"),
        ("{{ a }}", {"a": ["é", 1]}, '["é", 1]'),
        ("{{ a.b.c }}", {"a": {"b": {"c": "x"}}}, "x"),
        ("{{ a['b'] }}{{ a.items }}", {"a": {"b": 1, "items": 2}}, "12"),
        ("{{ a[0] }}{{ a[1] }}", {"a": ["x", "y"]}, "xy"),
        ("{% if a %}y{% elif b %}z{% else %}n{% endif %}", {"a": 0, "b": 1}, "z"),
        ("{{ 'y' if a in ['x', 'y'] and not b else 'n' }}", {"a": "x", "b": False}, "y"),
        ("{% if a is defined %}{{ a }}{% endif %}.", {}, "."),
        ("{{ a | default('none') }}", {}, "none"),
        ("{{ a | default('none') }}", {"a": None}, "none"),
        ("{{ a | join(', ') | upper }}", {"a": ["x", 1]}, "X, 1"),
        ("{{ a | replace('x', 'yy') | trim }}", {"a": " xx "}, "yyyy"),
        ("{{ a | indent(2) }}", {"a": "x\ny"}, "x\n  y"),
        (
            "{{ a | round(2) }} {{ b | length }} {{ c | wordcount }}",
            {"a": 1.005, "b": [1], "c": "a b"},
            "1.0 1 2",
        ),
        ("{{ a | first }}{{ a | last }}", {"a": ["x", "y"]}, "xy"),
        ("{{ a | tojson }}", {"a": '"<'}, '"\\"<"'),
        ("{{ '{{' }}", {}, "{{"),
        ("{# note #}x", {}, "x"),
        ("{% raw %}{{ a }}{% endraw %}", {}, "{{ a }}"),
    ],
)
def test_a_template_fills_in_data(text: str, values: dict[str, object], said: str) -> None:
    assert render(text, **values) == said


def test_a_loop_leaves_no_blank_lines() -> None:
    text = "Labels:\n{% for label in labels %}\n{{ loop.index }}. {{ label }}\n{% endfor %}\nEnd"
    assert render(text, labels=("a", "b")) == "Labels:\n1. a\n2. b\nEnd"


def test_the_names_are_the_variables_it_reads() -> None:
    template = compile_template("{{ a.b }}{% for x in c %}{{ x }}{{ loop.index }}{% endfor %}")
    assert template.names == {"a", "c"}


def test_names_with_a_default_are_optional() -> None:
    template = compile_template("{{ a|default('') }}{% if b is defined %}{{ b }}{% endif %}{{ c }}")
    assert template.names == {"a", "b", "c"}
    assert template.optional == {"a", "b"}


def test_output_of_a_value_is_never_read_as_a_template() -> None:
    assert render("{{ a }}", a="{{ 1 + 1 }} {% for x in y %}") == "{{ 1 + 1 }} {% for x in y %}"


def test_equal_texts_share_a_compilation() -> None:
    one, two = compile_template("{{ a }}!"), compile_template("{{ a }}!")
    assert one._compiled is two._compiled


HOSTILE = [
    "{{ 10**10000000 }}",
    "{{ 'a'*300000000 }}",
    "{{ a + a }}",
    "{{ 1 / 0 }}",
    "{{ 7 // 2 }}{{ 7 % 2 }}",
    "{{ -a }}",
    "{{ a ~ a }}",
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ a['__class__'] }}",
    "{{ a._private }}",
    "{{ _steps }}",
    "{{ __builtins__ }}",
    "{{ a|attr('__class__') }}",
    "{{ a.format('x') }}",
    "{{ '{0.__class__}'.format(a) }}",
    "{{ range(1000000000) }}",
    "{{ lipsum() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner() }}",
    "{{ namespace() }}",
    "{{ dict(a=1) }}",
    "{{ self() }}",
    "{{ loop() }}",
    "{{ config() }}",
    "{{ request.application() }}",
    "{{ {'a': 1} }}",
    "{{ a[1:2] }}",
    "{{ a[::-1] }}",
    "{{ a|format(1) }}",
    "{{ a|center(10**9) }}",
    "{{ a|center(1000000000) }}",
    "{{ a|indent(1000000000) }}",
    "{{ a|round(1000000000) }}",
    "{{ a|ljust(5) }}",
    "{{ a|map('upper') }}",
    "{{ a|select }}",
    "{{ a|batch(3) }}",
    "{{ a|random }}",
    "{{ a|xmlattr }}",
    "{{ a|pprint }}",
    "{{ a|safe }}",
    "{{ a|sum }}",
    "{{ a is callable }}",
    "{{ a is mapping }}",
    "{% for i in range(10) %}{% endfor %}",
    "{% for i in [1, 2] %}{% endfor %}",
    "{% for i in 'abc' %}{% endfor %}",
    "{% for i in a|list %}{% endfor %}",
    "{% for i in a recursive %}{{ i }}{% endfor %}",
    "{% for i in a if i %}{{ i }}{% endfor %}",
    "{% for i in a %}{% else %}x{% endfor %}",
    "{% set x = 1 %}",
    "{% set x %}{% endset %}",
    "{% macro m() %}{% endmacro %}",
    "{% call a() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% block b %}{% endblock %}",
    "{% include 'x' %}",
    "{% import 'x' as y %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% with a=1 %}{% endwith %}",
    "{% autoescape true %}{% endautoescape %}",
    "{% do a %}",
    "{% debug %}",
    "{{ 1e999 }}",
    "{{ " + "9" * 90_000 + " }}",
    "{{ " + "(" * 40_000 + "a" + ")" * 40_000 + " }}",
    "{{ " + "[" * 40_000,
    "{{ " * 30_000,
    "{%" * 40_000,
    "{#" * 40_000,
    "{{ a " + "|upper" * 11 + " }}",
    "{{ a " + "|upper" * 10_000 + " }}",
    "{{ a" + ".b" * 100 + " }}",
    "{{ a" + "[0]" * 30_000 + " }}",
    "{{ " + "not " * 20_000 + "a }}",
    "{{ " + " and ".join(["a"] * 10_000) + " }}",
    "{{ " + " == ".join(["a"] * 12) + " }}",
    "{{ " + "a if " * 10_000 + "a }}",
    "{% if a %}" * 5_000,
    "{% for x in a %}" * 30 + "{% endfor %}" * 30,
    "{{ a }}" * MAX_TOKENS,
    "{{ '" + "\\" * 90_001 + "' }}",
    "x" * 100_001,
    "{{ }}",
    "{{ a",
    "{% endfor %}",
]


def test_there_are_enough_hostile_templates() -> None:
    assert len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:30])
def test_a_hostile_template_is_refused_before_it_runs(text: str) -> None:
    with pytest.raises(SuiteError) as caught:
        compile_template(text, where="suite.yaml:3:9")
    assert caught.value.where == "suite.yaml:3:9"
    assert caught.value.what.startswith("template: ")
    assert caught.value.fix


BIG = {"a": ["x" * 1000] * 1000}


@pytest.mark.parametrize(
    "text",
    [
        "{% for x in a %}{{ a }}{% endfor %}",
        "{% for x in a %}{% for y in a %}{% for z in a %}{% endfor %}{% endfor %}{% endfor %}",
        "{{ a|join|replace('x', '" + "y" * 1000 + "') }}",
        "{{ a|join('" + "," * 2000 + "') }}",
        "{{ a|tojson|tojson|tojson }}",
        "{{ a|first|replace('', 'y') }}",
        "{{ a|round }}",
    ],
)
def test_a_rendering_is_bounded(text: str) -> None:
    with pytest.raises(SuiteError):
        compile_template(text).render(BIG)


def test_reading_an_attribute_gives_data_or_nothing() -> None:
    for text in ("{{ a.upper }}", "{{ a.real }}", "{{ a[0] }}"):
        with pytest.raises(SuiteError, match="reads a value that is missing"):
            compile_template(text).render({"a": "text"})


def test_a_missing_value_names_what_is_there_and_the_place() -> None:
    with pytest.raises(SuiteError) as caught:
        compile_template("{{ b }}", where="s.yaml").render({"a": 1}, where="s.yaml, sample 'q'")
    assert caught.value.where == "s.yaml, sample 'q'"
    assert caught.value.fix == "Add it, or correct the template; there is: a."


def test_values_of_two_kinds_that_cannot_be_compared_are_an_error_not_a_crash() -> None:
    with pytest.raises(SuiteError):
        compile_template("{{ a < b }}").render({"a": 1, "b": "x"})


def test_the_error_is_of_the_kind_the_caller_asks_for() -> None:
    with pytest.raises(JudgeError):
        compile_template("{{ a() }}", where="r.yaml", error=JudgeError)
    template: Template = compile_template("{{ a }}", error=JudgeError)
    with pytest.raises(JudgeError):
        template.render({})
