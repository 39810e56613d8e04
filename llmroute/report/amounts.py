"""Numbers → the text a reader sees: no false precision, and a dash for what is unknown."""

from __future__ import annotations

from math import floor, log10

UNKNOWN = "–"


def quality_text(quality: float | None, bar: float | None = None) -> str:
    """A quality with two decimals, or three where two would hide on which side of the bar it is.

    >>> quality_text(0.914), quality_text(0.847, bar=0.85), quality_text(0.998), quality_text(None)
    ('0.91', '0.847', '0.998', '–')
    """
    if quality is None:
        return UNKNOWN
    text = f"{quality:.2f}"
    hides_bar = bar is not None and quality != bar and text == f"{bar:.2f}"
    hides_edge = text in ("0.00", "1.00") and quality not in (0.0, 1.0)
    return f"{quality:.3f}" if hides_bar or hides_edge else text


def bar_text(bar: float | None) -> str:
    """A bar with the two or three decimals it was written with.

    >>> bar_text(0.8), bar_text(0.875), bar_text(None)
    ('0.80', '0.875', '–')
    """
    if bar is None:
        return UNKNOWN
    return f"{bar:.3f}".removesuffix("0")


def interval_text(low: float | None, high: float | None) -> str:
    """Bounds of a quality: '0.81–0.96', or nothing where there are none.

    >>> interval_text(0.812, 0.9571), interval_text(None, None)
    ('0.81–0.96', '')
    """
    if low is None or high is None:
        return ""
    return f"{low:.2f}–{high:.2f}"


def signed_text(difference: float | None) -> str:
    """A difference of two qualities with its sign; zero has none.

    >>> signed_text(0.034), signed_text(-0.2), signed_text(-0.001), signed_text(None)
    ('+0.03', '−0.20', '0.00', '–')
    """
    if difference is None:
        return UNKNOWN
    text = f"{abs(difference):.2f}"
    return text if text == "0.00" else f"{'−' if difference < 0 else '+'}{text}"


def signed_interval_text(low: float | None, high: float | None) -> str:
    """Bounds of a difference: '−0.08 to +0.02', or nothing where there are none.

    >>> signed_interval_text(-0.081, 0.019), signed_interval_text(None, None)
    ('−0.08 to +0.02', '')
    """
    if low is None or high is None:
        return ""
    return f"{signed_text(low)} to {signed_text(high)}"


def usd_text(usd: float | None) -> str:
    """An amount of money: two significant digits below a dollar, cents to a hundred, then dollars.

    >>> [usd_text(usd) for usd in (None, 0.0, 0.00004, 0.01234, 0.5, 2.345, 21.04, 1234.5)]
    ['–', '$0', '<$0.001', '$0.012', '$0.50', '$2.35', '$21.04', '$1,234']
    >>> usd_text(-2.345)
    '−$2.35'
    """
    if usd is None:
        return UNKNOWN
    if usd < 0:
        return f"−{usd_text(-usd)}"
    if usd == 0:
        return "$0"
    if usd < 0.001:
        return "<$0.001"
    decimals = 1 - floor(log10(usd)) if usd < 1 else 2 if usd < 100 else 0
    return f"${usd:,.{decimals}f}"


def share_text(share: float | None) -> str:
    """A share of one as a percentage, with a decimal only below 10% and near 100%.

    >>> [share_text(share) for share in (None, 0.0, 0.034, 0.84, 0.9968, 1.0, -0.3)]
    ['–', '0%', '3.4%', '84%', '99.7%', '100%', '−30%']
    """
    if share is None:
        return UNKNOWN
    percent = abs(share) * 100
    near_edge = 0 < percent < 9.95 or 97 < percent < 100
    text = f"{percent:.1f}" if near_edge else f"{percent:.0f}"
    if near_edge:
        text = {"100.0": "99.9", "0.0": "0.1"}.get(text, text).removesuffix(".0")
    return f"{'−' if share < 0 else ''}{text}%"


def seconds_text(seconds: float | None) -> str:
    """A duration in seconds.

    >>> [seconds_text(seconds) for seconds in (None, 0.0004, 0.42, 3.14159, 61.5)]
    ['–', '<0.01 s', '0.42 s', '3.14 s', '61.5 s']
    """
    if seconds is None:
        return UNKNOWN
    if 0 < seconds < 0.005:
        return "<0.01 s"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"


def count_text(count: float | None) -> str:
    """A count with thousands separators.

    >>> count_text(12345.6), count_text(None)
    ('12,346', '–')
    """
    return UNKNOWN if count is None else f"{count:,.0f}"


def counted(count: int, noun: str) -> str:
    """A count with its noun in the right number.

    >>> counted(1, "task"), counted(1200, "day"), counted(2, "reply")
    ('1 task', '1,200 days', '2 replies')
    """
    if count == 1:
        return f"1 {noun}"
    is_consonant_y = noun.endswith("y") and noun[-2:-1] not in "aeiou"
    plural = f"{noun[:-1]}ies" if is_consonant_y else f"{noun}s"
    return f"{count:,} {plural}"
