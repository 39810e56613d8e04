"""Call → the most it can cost; what was spent and reserved → whether it may be sent."""

from __future__ import annotations

import json
import math
import socket
from typing import TYPE_CHECKING, Any, Literal

from llmroute.calls.prices import model_facts
from llmroute.errors import (
    BadRequest,
    BudgetSpent,
    ConfigError,
    ConnectionFailed,
    ContentRefused,
    ContextTooLong,
    NotFound,
    NotRecorded,
    RateLimited,
    Unauthorized,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmroute.errors import CallError
    from llmroute.records import Call, Completion

Room = Literal["now", "later", "never"]

TOKENS_A_MESSAGE = 16
"""Upper bound of what a chat template puts around one message."""
TOKENS_A_CALL = 64
"""Upper bound of what it puts around all: a default system prompt, a date."""
TOKENS_OF_TOOLS = 1024
"""Upper bound of the hidden prompt that tools bring."""
OUTPUT_BOUNDS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
FREE_PROVIDERS = frozenset({"builtin", "replay"})
"""Nothing is bought: their costs are figures of comparison."""

_UNITS = 10**12
_RAISE = "Raise budget.max_usd (--max-usd), lower the candidate's max_tokens, or leave it out."


class Ledger:
    """What was spent and what is reserved, against a cap that is never passed.

    Amounts are kept as whole 10⁻¹² dollars, rounded against the spender, so that no sum drifts.
    The cap holds as far as the endpoint keeps to `max_tokens` and bills at the stated price; what
    it was measured to cost is booked in any case.
    """

    def __init__(self, max_usd: float | None = None, *, spent_usd: float = 0.0) -> None:
        if max_usd is not None and not (math.isfinite(max_usd) and max_usd >= 0):
            raise ValueError(f"max_usd is {max_usd}, must be at least 0")
        self.max_usd = max_usd
        """None: no cap; spending is counted only."""
        self.unsent = 0
        """Calls that were not sent because of the cap."""
        self._cap = None if max_usd is None else math.floor(max_usd * _UNITS)
        self._spent = _units(spent_usd)
        self._reserved = 0

    @property
    def spent_usd(self) -> float:
        """Measured costs, and reservations whose true cost nobody said."""
        return self._spent / _UNITS

    @property
    def reserved_usd(self) -> float:
        """The worst case of all calls in flight."""
        return self._reserved / _UNITS

    @property
    def left_usd(self) -> float | None:
        """What the cap leaves beside what was spent, never below 0; None without a cap."""
        return None if self._cap is None else max(0, self._cap - self._spent) / _UNITS

    def room_for(self, usd: float) -> Room:
        """Whether a call of this worst case may be sent.

        "later": once calls in flight have cost less than was reserved for them. What was spent
        never shrinks, so "never" is final.
        """
        if self._cap is None or usd == 0:
            return "now"
        if not math.isfinite(usd) or self._spent + _units(usd) > self._cap:
            return "never"
        return "now" if self._spent + self._reserved + _units(usd) <= self._cap else "later"

    def reserve(self, usd: float) -> None:
        """Set a call's worst case aside.

        Raises:
            BudgetSpent: there is no room for it now.
        """
        if self.room_for(usd) != "now":
            raise self.no_room(usd)
        self._reserved += _units(usd)

    def settle(self, reserved_usd: float, cost_usd: float | None) -> None:
        """Book what a call has cost in place of its reservation.

        Args:
            reserved_usd: as it was reserved.
            cost_usd: as it was measured; None: not known, so the reservation stays as spent.
        """
        known = cost_usd is not None and math.isfinite(cost_usd) and cost_usd >= 0
        self._reserved -= _units(reserved_usd)
        self._spent += _units(cost_usd if known and cost_usd is not None else reserved_usd)

    def no_room(self, usd: float) -> BudgetSpent:
        """Why a call of this worst case is not sent; infinite: nothing bounds what it costs."""
        left = f"{_dollars(self.left_usd or 0.0)} of the cap of {_dollars(self.max_usd or 0.0)}"
        if math.isfinite(usd):
            said = f"not sent: it could cost {_dollars(usd)}, and {left} is left"
            return BudgetSpent(said, fix=_RAISE)
        return BudgetSpent(
            "not sent: nothing bounds what it could cost",
            fix="Give the candidate a price and params.max_tokens, or leave it out.",
        )


def check_affordable(calls: Iterable[Call], max_usd: float) -> None:
    """Nothing, where the worst case of every candidate's calls is known and can fit the cap.

    Args:
        calls: what is to be sent; one of each candidate is looked at beside the dearest.
        max_usd: the cap.

    Raises:
        ConfigError: a candidate has no price, its answers have no bound, or one of its calls alone
            could pass the cap. The message names every such candidate.
    """
    faults: dict[str, str] = {}
    for call in calls:
        if call.candidate.name not in faults:
            said = unaffordable_reason(call, max_usd)
            if said is not None:
                faults[call.candidate.name] = said
    if faults:
        raise ConfigError(
            f"the cap of {_dollars(max_usd)} cannot be kept; nothing was sent",
            fix="\n".join(f"  {name}: {said}" for name, said in faults.items()),
        )


def unaffordable_reason(call: Call, max_usd: float) -> str | None:
    """Why this call can never be sent under the cap, with the mend; None where it can."""
    if is_free(call):
        return None
    if call.candidate.price is None:
        return "it has no price. Give it one (price: or --prices FILE), or leave it out."
    worst_usd = worst_case_usd(call)
    if worst_usd is None:
        return "nothing bounds its answers' length. Set params.max_tokens."
    if worst_usd > max_usd:
        return f"one call could cost {_dollars(worst_usd)}. Lower max_tokens, or raise the cap."
    return None


def is_free(call: Call) -> bool:
    """Whether nothing is bought with it: programs in this process, and recordings."""
    return call.candidate.provider in FREE_PROVIDERS


def worst_case_usd(call: Call, *, input_tokens: int | None = None) -> float | None:
    """The most that one try of a call can cost, or None where nothing bounds it.

    Args:
        call: what would be sent.
        input_tokens: its prompt as the model's own tokenizer counts it; None: an upper bound.
    """
    if is_free(call):
        return 0.0
    price = call.candidate.price
    if price is None:
        return None
    usd = (price.usd_per_hour or 0.0) * call.candidate.limits.timeout_s / 3600
    if price.input_usd_per_mtok is None or price.output_usd_per_mtok is None:
        return usd
    if input_tokens is None:
        input_tokens = most_input_tokens(call)
    usd += input_tokens * max(price.input_usd_per_mtok, price.cached_input_usd_per_mtok or 0) / 1e6
    if price.output_usd_per_mtok == 0:
        return usd
    output_tokens = most_output_tokens(call)
    return None if output_tokens is None else usd + output_tokens * price.output_usd_per_mtok / 1e6


def most_input_tokens(call: Call) -> int:
    """No tokenizer makes more of the prompt: a token is at least one byte of UTF-8.

    What a chat template and the parameters (tools, a JSON schema) bring is counted likewise.
    """
    said = sum(len(message.content.encode("utf-8", "replace")) for message in call.messages)
    around = TOKENS_A_CALL + TOKENS_A_MESSAGE * len(call.messages)
    if not call.params:
        return said + around
    brought = len(json.dumps(call.params, default=str)) + TOKENS_OF_TOOLS * ("tools" in call.params)
    return said + around + brought


def most_output_tokens(call: Call) -> int | None:
    """The length at which an answer is cut off: by the call's parameters, else by the model.

    None where neither says.
    """
    stated = stated_output_tokens(call.params)
    if stated is not None:
        return stated
    facts = model_facts(call.candidate.model)
    return facts.max_output_tokens if facts else None


def stated_output_tokens(params: Mapping[str, Any]) -> int | None:
    """The largest of the parameters that bound an answer's length, or None.

    >>> stated_output_tokens({"max_tokens": 100, "max_completion_tokens": 400})
    400
    """
    stated = [params[name] for name in OUTPUT_BOUNDS if name in params]
    counts = [n for n in stated if isinstance(n, int) and not isinstance(n, bool) and n >= 0]
    return max(counts) if counts else None


def cost_usd(call: Call, completion: Completion) -> float | None:
    """What an answer has cost, or None where it cannot be told.

    As the provider states it, else tokens × price. Machines paid by the hour: the time of the
    answer, as if they did nothing else meanwhile.
    """
    if is_free(call):
        return 0.0
    return completion.cost_usd(call.candidate.price)


def is_unbilled(error: CallError) -> bool:
    """Whether a failed try surely cost nothing: refused at the door, or never sent.

    A timeout, a reset, a 5xx or an unreadable answer may have been computed and billed in full.
    """
    if isinstance(error, ConnectionFailed):
        return any(isinstance(cause, _NEVER_SENT) for cause in _causes(error))
    if isinstance(error, ContentRefused):
        return error.status is not None and 400 <= error.status < 500
    return isinstance(error, _REFUSED_AT_THE_DOOR)


_REFUSED_AT_THE_DOOR = (
    BadRequest,
    BudgetSpent,
    ContextTooLong,
    NotFound,
    NotRecorded,
    RateLimited,
    Unauthorized,
)
_NEVER_SENT = (ConnectionRefusedError, socket.gaierror)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all it came from; aiohttp keeps the system's error as `os_error`."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, getattr(one, "os_error", None)]


def _units(usd: float) -> int:
    return math.ceil(usd * _UNITS)


def _dollars(usd: float) -> str:
    """An amount to the cent, or to two digits where it is less than one.

    >>> _dollars(12.5), _dollars(0.00123)
    ('$12.50', '$0.0012')
    """
    if usd == 0 or usd >= 0.01:
        return f"${usd:.2f}"
    return f"${usd:.{1 - math.floor(math.log10(usd))}f}"
