"""`${NAME}` in the configuration → the value from the environment, which no message repeats."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from llmroute.config.faults import together
from llmroute.config.scalars import plain_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.config.yaml_source import Document, KeyPath
    from llmroute.errors import InputError

_REFERENCE = re.compile(
    r"(?P<escaped>\$\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<open>\$\{)"
)


class EnvText(str):
    """Text with a value from the environment in it; a number field may read it as a number."""

    __slots__ = ()


def number_from_environment(value: Any) -> Any:
    """The number that a text from the environment spells; anything else as it is.

    >>> number_from_environment(EnvText("2.50")), number_from_environment("2.50")
    (2.5, '2.50')
    """
    if not isinstance(value, EnvText):
        return value
    try:
        return plain_value(value.strip())
    except ValueError:
        return value


def variable_in(text: object) -> str | None:
    """The variable a text consists of, or None: then it is a value of its own, or several.

    >>> variable_in("${GATEWAY_KEY:-none}"), variable_in("Bearer ${A}"), variable_in(3)
    ('GATEWAY_KEY', None, None)
    """
    found = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
    return found["name"] if found else None


def fill_environment(document: Document, env: Mapping[str, str]) -> Any:
    """The document's values with `${NAME}` and `${NAME:-default}` replaced, `$${` as `${`.

    A variable that is set but empty counts as missing, as it does for `:-` in a shell.

    Raises:
        InputError: of the document's type, naming each missing variable and its line.
    """
    faults: list[InputError] = []
    filled = _fill(document.root.data(), (), document, env, faults)
    if faults:
        raise together(faults)
    return filled


def _fill(
    value: Any, path: KeyPath, document: Document, env: Mapping[str, str], faults: list[InputError]
) -> Any:
    if isinstance(value, list):
        return [_fill(v, (*path, i), document, env, faults) for i, v in enumerate(value)]
    if isinstance(value, dict):
        return {k: _fill(v, (*path, k), document, env, faults) for k, v in value.items()}
    if not isinstance(value, str) or "${" not in value:
        return value

    def replace(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "${"
        if match["open"]:
            fix = "Write ${NAME} or ${NAME:-default}, or $${ for the two characters themselves."
            faults.append(document.fault(path, "'${' is not followed by a name and '}'", fix))
            return ""
        found = env.get(match["name"]) or match["default"]
        if found is None:
            what = f"the environment variable {match['name']} is not set or empty"
            fix = f"Set it: export {match['name']}=…, or give a default: ${{{match['name']}:-…}}."
            faults.append(document.fault(path, what, fix))
            return ""
        return found

    return EnvText(_REFERENCE.sub(replace, value))
