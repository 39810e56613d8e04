"""Messages → prompt tokens: counted where the model's tokenizer is at hand, else estimated."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from llmroute.records import Candidate, Message

CHARACTERS_A_TOKEN = 3.6
"""English prose has 4 to 5 with today's tokenizers, code and JSON near 3: an estimate on the high
side, since it says what a run may cost."""
TOKENS_A_MESSAGE = 4
"""Role and separators of one message, as OpenAI's chat format counts them."""
_TIKTOKEN_PROVIDERS = frozenset({"openai", "azure", ""})


@dataclass(frozen=True, slots=True)
class TokenCounter:
    """Counts the tokens of one candidate's prompts."""

    exact: bool
    """Whether the model's own tokenizer counts; else it is an estimate."""
    count_text: Callable[[str], int]

    def count(self, messages: Sequence[Message]) -> int:
        """Prompt tokens of a request with these messages."""
        texts = sum(self.count_text(message.content) for message in messages)
        return texts + TOKENS_A_MESSAGE * len(messages) + 3


def token_counter(candidate: Candidate) -> TokenCounter:
    """The counter for a candidate: tiktoken with LiteLLM's bundled encodings, or an estimate.

    No encoding is fetched: what is not on the disk is estimated.
    """
    if candidate.provider in _TIKTOKEN_PROVIDERS and candidate.api_base is None:
        encoding = _encoding(candidate.model.partition("/")[2] or candidate.model)
        if encoding is not None:
            return TokenCounter(True, cache(lambda text: len(encoding.encode_ordinary(text))))
    return TokenCounter(False, estimate_tokens)


def estimate_tokens(text: str) -> int:
    """Tokens of a text by its length.

    >>> estimate_tokens("x" * 36)
    10
    """
    return round(len(text) / CHARACTERS_A_TOKEN)


@cache
def _encoding(model: str) -> Any:
    litellm = find_spec("litellm")
    if litellm is None or litellm.origin is None:
        return None
    bundled = Path(litellm.origin).parent / "litellm_core_utils" / "tokenizers"
    os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(bundled))
    import tiktoken

    try:
        name = tiktoken.encoding_name_for_model(model)
    except KeyError:
        return None
    return _bundled_encoding(name)


@cache
def _bundled_encoding(name: str) -> Any:
    import tiktoken

    if name not in ("o200k_base", "cl100k_base"):
        return None
    return tiktoken.get_encoding(name)
