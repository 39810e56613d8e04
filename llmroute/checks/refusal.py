"""Whether an answer refuses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Sample

_OPENING = 400
_REFUSES = re.compile(
    r"\b(?:i(?:'m| am)? (?:sorry|unable|not able|afraid)|"
    r"i (?:can(?:not|'t)|won't|will not|do not|don't) (?:help|assist|provide|answer|comply|"
    r"fulfil\w*|complete|do that|create|generate|have (?:access|enough|information))|"
    r"as an ai\b|as a (?:large )?language model|against my (?:guidelines|programming)|"
    r"not appropriate|je ne peux pas|ich kann (?:ihnen |dir )?(?:dabei |das )?(?:leider )?nicht|"
    r"lo siento|no puedo)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """1.0 where the answer opens with a refusal (English, some German, French, Spanish).

    In [0, 1]. `anywhere` looks at the whole answer, `short` at answers of under 80 words that do.
    """

    features: ClassVar[tuple[str, ...]] = ("opens", "anywhere", "short")
    fails: ClassVar[tuple[str, ...]] = ("opens",)

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:  # noqa: ARG002
        """The features by name."""
        text = output.replace("’", "'").lstrip()
        anywhere = _REFUSES.search(text) is not None
        opens = anywhere and _REFUSES.search(text[:_OPENING]) is not None
        short = opens and len(text[:4000].split()) < 80
        return {"opens": float(opens), "anywhere": float(anywhere), "short": float(short)}
