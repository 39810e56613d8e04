"""Ask → one of its labels, by the words a label shares with the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from math import sqrt

from llmroute.builtin.ask import Ask
from llmroute.builtin.words import read_stems, weigh_rarity


def choose_label(ask: Ask) -> str:
    """The label whose name, definition and examples share most with the text.

    A shared word counts the more the fewer labels it speaks for; with nothing shared it is the
    first label.
    """
    profiles = {label: _profile(label, ask) for label in ask.labels}
    rarity = weigh_rarity(profiles.values())
    text = Counter(read_stems(f"{ask.question}\n{ask.body}" if ask.body else ask.everything))

    def overlap(label: str) -> float:
        profile = profiles[label]
        shared = sum(rarity[word] ** 2 * (1 + sqrt(profile[word])) for word in text & profile)
        return shared / sqrt(1 + len(profile))

    return max(ask.labels, key=overlap)


def define_labels(ask: Ask) -> Mapping[str, str]:
    """Each label with the line of the instructions that explains it, where there is one.

    >>> ask = Ask("- billing: money matters\\n- outage: it is down", "", "", (), ("billing",))
    >>> define_labels(ask)
    {'billing': 'money matters'}
    """
    return {label: _definition(label, ask.instructions) for label in ask.labels}


def _profile(label: str, ask: Ask) -> Counter[str]:
    name = read_stems(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label).replace("_", " "))
    shown = [example.input for example in ask.examples if example.target.strip() == label]
    profile = Counter(name * 3)
    profile.update(read_stems(_definition(label, ask.instructions)))
    for text in shown:
        profile.update(set(read_stems(text)))
    return profile


def _definition(label: str, instructions: str) -> str:
    line = re.search(
        rf"^[ \t\-*•\d.`'\"(]{{0,12}}{re.escape(label)}[`'\"*)]*\s*(?::|=|-|–|—)\s*"
        r"(.+(?:\n[ \t]+(?![ \t\-*•])[^:\n]+$)*)",
        instructions,
        re.IGNORECASE | re.MULTILINE,
    )
    return line.group(1).strip() if line else ""
