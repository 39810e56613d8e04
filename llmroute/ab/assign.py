"""A key, a salt and a share → its arm: the same in every process, version and language.

    point = first 13 hexadecimal digits of SHA-256(UTF-8(salt + ":" + key)) ÷ 16¹³
    arm   = treatment where point < share, else control

13 digits are 52 bits, exact in a double, so that JavaScript finds the same point. A key's point
never changes: a greater share only adds keys to the treatment. Another salt is another,
independent draw. `docs/ab.md` has it in Python and JavaScript, with test vectors.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from llmroute.errors import InputError

Arm = Literal["control", "treatment"]

_DIGITS = 13


def assign(key: str, *, salt: str, share: float) -> Arm:
    """The arm of a key.

    Args:
        key: who or what is assigned, such as a user's id: always the same arm.
        salt: the experiment's name; any text without ":".
        share: of the keys that are treated, in [0, 1].

    Raises:
        InputError: the key is empty, the salt is empty or holds ":", or the share is no share.

    >>> assign("user-42", salt="exp1", share=0.1), assign("user-42", salt="exp1", share=0.9)
    ('control', 'treatment')
    """
    if not 0 <= share <= 1:
        raise InputError(
            f"share is {share}, not in [0, 1]", fix="Write 0.1 for a tenth of the keys."
        )
    return "treatment" if point(key, salt=salt) < share else "control"


def point(key: str, *, salt: str) -> float:
    """Where the key stands in [0, 1): it is treated from every share above this.

    Raises:
        InputError: the key is empty, or the salt is empty or holds ":".

    >>> point("user-42", salt="exp1")
    0.49679988353053073
    """
    if not key:
        raise InputError("the key is empty", fix="Give each user or session a key of its own.")
    if not salt or ":" in salt:
        raise InputError(
            f"the salt is {salt!r}", fix="Name the experiment, in any text without ':'."
        )
    try:
        text = f"{salt}:{key}".encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{key!r} is no valid Unicode text", fix="Mend the key.") from error
    digits = hashlib.sha256(text).hexdigest()[:_DIGITS]
    return int(digits, 16) / float(16**_DIGITS)
