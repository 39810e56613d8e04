"""Text → the same text without anything that looks like a key."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHORTEST_SECRET = 8
"""Shorter values are words as often as keys; replacing them would garble messages."""
MASK = "[key]"

_KEY_NAME = re.compile(r"(API_?KEY|_KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$", re.IGNORECASE)

# Prefixes that providers document for their keys, then the places keys are carried in.
_PATTERNS = re.compile(
    r"""
      \bsk-[A-Za-z0-9_-]{8,}                       # OpenAI, Anthropic, OpenRouter, DeepSeek
    | \b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}
    | \bgsk_[A-Za-z0-9]{8,}                        # Groq
    | \bxai-[A-Za-z0-9]{8,}
    | \bhf_[A-Za-z0-9]{8,}
    | \bnvapi-[A-Za-z0-9_-]{8,}
    | \bpplx-[A-Za-z0-9]{8,}
    | \br8_[A-Za-z0-9]{8,}                         # Replicate
    | \bfw_[A-Za-z0-9]{8,}                         # Fireworks
    | \bAIza[A-Za-z0-9_-]{20,}                     # Google
    | \bya29\.[A-Za-z0-9_-]{8,}
    | \b(?:AKIA|ASIA)[A-Z0-9]{12,}                 # AWS
    | \b(?:ghp|gho|ghu|ghs|ghr|glpat|github_pat)[_-][A-Za-z0-9_]{8,}
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)?   # JWT
    | (?<=\bBearer\s)[^\s"',;]{8,}
    | (?<=\bBasic\s)[A-Za-z0-9+/=]{8,}
    | (?<=[?&]key=)[^\s&"']{4,}
    | (?<=api_key=)[^\s&"']{4,}
    | (?<=api-key:\s)[^\s"',;]{4,}
    | (?<=://)[^\s/@"']+:[^\s/@"']+(?=@)           # user:password@host
    """,
    re.VERBOSE | re.IGNORECASE,
)


def secrets_in(env: Mapping[str, str]) -> frozenset[str]:
    """The values of every variable whose name says that it holds a key.

    >>> sorted(secrets_in({"OPENAI_API_KEY": "0123456789", "HOME": "/root", "X_TOKEN": "short"}))
    ['0123456789']
    """
    named = (value for name, value in env.items() if _KEY_NAME.search(name))
    return frozenset(value for value in named if len(value) >= SHORTEST_SECRET)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` with known secrets, their encoded forms and key-like patterns masked.

    >>> redact("Incorrect API key provided: sk-proj-abcdefghijkl")
    'Incorrect API key provided: [key]'
    >>> redact("header was mysecretvalue", ["mysecretvalue"])
    'header was [key]'
    """
    return _PATTERNS.sub(MASK, redact_values(text, secrets))


def redact_values(text: str, secrets: Iterable[str]) -> str:
    """`text` with known secrets masked, raw, URL-encoded and in base64; nothing else changes."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            for form in _forms(secret):
                text = text.replace(form, MASK)
    return text


def _forms(secret: str) -> tuple[str, ...]:
    raw = secret.encode("utf-8", "surrogatepass")
    plain, url_safe = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
    return secret, quote(secret, safe=""), plain.rstrip("="), url_safe.rstrip("=")
