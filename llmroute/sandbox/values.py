"""Reply from the sandbox → plain Python value; what is not plain equals nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any


class Other:
    """A value that is not plain (an object, a generator, a function): equal to nothing."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<{self.kind}>"


def decoded(reply: Any) -> Any:
    """The value that a reply states; the sandbox's side is `inside.encoded`.

    Raises:
        ValueError: the reply states none; the code may have written it.

    >>> decoded({"tuple": [1, {"set": ["a"]}]})
    (1, {'a'})
    >>> decoded({"dict": [["a", [1.5]]]})
    {'a': [1.5]}
    """
    if isinstance(reply, list):
        return [decoded(item) for item in reply]
    if not isinstance(reply, dict):
        return reply
    if len(reply) != 1:
        raise ValueError("a value has one tag")
    ((tag, content),) = reply.items()
    read = _READERS.get(tag)
    if read is None:
        raise ValueError(f"no value is tagged {tag[:40]!r}")
    try:
        return read(content)
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise ValueError(f"this is no {tag}") from error


def _complex(parts: Any) -> complex:
    real, imaginary = parts
    return complex(decoded(real), decoded(imaginary))


def _dict(pairs: Any) -> dict[Any, Any]:
    return {decoded(key): decoded(value) for key, value in pairs}


def _items(kind: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    return lambda items: kind([decoded(item) for item in items])


_READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "Decimal": Decimal,
        "Fraction": Fraction,
        "bytes": bytes.fromhex,
        "complex": _complex,
        "date": date.fromisoformat,
        "datetime": datetime.fromisoformat,
        "dict": _dict,
        "float": float,
        "frozenset": _items(frozenset),
        "int": lambda digits: int(digits, 16),
        "other": lambda kind: Other(str(kind)[:40]),
        "set": _items(set),
        "time": time.fromisoformat,
        "tuple": _items(tuple),
    }
)
