"""Written dates → ISO 8601."""

from __future__ import annotations

import re
from datetime import date

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
DATE = re.compile(
    r"\b(?:"
    r"(?P<y1>\d{4})[-/.](?P<m1>\d{1,2})[-/.](?P<d1>\d{1,2})"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?[ -](?:of )?(?P<m2>{_MONTH})[ ,-]{{1,2}}(?P<y2>\d{{4}})"
    rf"|(?P<m3>{_MONTH}) (?P<d3>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y3>\d{{4}})"
    r"|(?P<a4>\d{1,2})(?P<sep>[-/.])(?P<b4>\d{1,2})(?P=sep)(?P<y4>\d{4}|\d{2})"
    r")\b",
    re.IGNORECASE,
)


def read_iso_date(text: str) -> str | None:
    """The first date in the text as YYYY-MM-DD, or None.

    A date in figures is month first with "/" (as in the US) and day first with "." or "-", unless
    only the other order exists.

    >>> read_iso_date("due 3rd of March 2024"), read_iso_date("Sept. 5, 2023")
    ('2024-03-03', '2023-09-05')
    >>> read_iso_date("03/04/2024"), read_iso_date("03.04.2024"), read_iso_date("25/12/24")
    ('2024-03-04', '2024-04-03', '2024-12-25')
    """
    found = DATE.search(text)
    if not found:
        return None
    for year, month, day in _orders(found):
        try:
            return date(year, month, day).isoformat()
        except ValueError:
            continue
    return None


def _orders(found: re.Match[str]) -> list[tuple[int, int, int]]:
    if found["y1"]:
        return [(int(found["y1"]), int(found["m1"]), int(found["d1"]))]
    if found["y2"] or found["y3"]:
        month = MONTHS.index((found["m2"] or found["m3"])[:3].lower()) + 1
        return [(int(found["y2"] or found["y3"]), month, int(found["d2"] or found["d3"]))]
    year = int(found["y4"]) + (2000 if len(found["y4"]) == 2 else 0)
    a, b = int(found["a4"]), int(found["b4"])
    orders = [(year, a, b), (year, b, a)]
    return orders if found["sep"] == "/" else orders[::-1]
