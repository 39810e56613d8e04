"""Prompts → groups of near-duplicates, fast enough for tens of thousands of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from llmroute.calibration.pair import Ints
from llmroute.suites.duplicates import normalise

GRAM = 5
"""Letters in a run; texts are compared by the runs they share."""
NEAR = 0.6
"""Jaccard similarity of two texts' runs from which they count as nearly the same."""
MAX_CHARS = 8_000
"""Of each text, half from its start and half from its end."""
COMMON_SHARE = 0.02
COMMON_LEAST = 20
"""A run found in more texts than both allow belongs to a template and says nothing."""
LEAST_RUNS = 6
"""Texts with fewer telling runs are grouped where they are equal, not where they are alike."""
BANDS, BAND_ROWS = 20, 3
"""Texts meet where 3 of 60 minimal hashes agree in any band: at Jaccard 0.6 in 99 % of cases."""
MAX_RUNS = 12_000_000
"""Beyond so many runs in all, the same share of them is left out of every text."""

Hashes = NDArray[np.uint64]
Runs = NDArray[np.uint32]


def near_duplicate_groups(texts: Sequence[str], given: Sequence[str | None] = ()) -> Ints:
    """The group of each text, shape (n,), numbered in order of appearance.

    Equal texts (but for case, punctuation and space) and texts that share most of their
    five-letter runs stand together, and so does what `given` names alike. Runs that many texts
    share, a template or few-shot examples, are left out: they do not make two questions alike.
    Candidates are found by MinHash with banding (Broder, "On the resemblance and containment of
    documents", 1997; Leskovec et al., "Mining of Massive Datasets", §3.4).

    >>> texts = ["Where is my order?", "where is my  order", "Cancel my plan."]
    >>> near_duplicate_groups(texts).tolist()
    [0, 0, 1]
    """
    plain = [normalise(text) for text in texts]
    firsts: dict[str, int] = {}
    parents = list(range(len(plain)))
    for row, text in enumerate(plain):
        _join(parents, firsts.setdefault(text, row), row)
    names: dict[str, int] = {}
    for row, name in enumerate(given):
        if name is not None:
            _join(parents, names.setdefault(name, row), row)
    distinct = list(firsts.items())
    for one, other in _alike([text for text, _ in distinct]):
        _join(parents, distinct[one][1], distinct[other][1])
    numbers: dict[int, int] = {}
    roots = [_root(parents, row) for row in range(len(plain))]
    return np.array([numbers.setdefault(root, len(numbers)) for root in roots], dtype=np.int64)


def _root(parents: list[int], row: int) -> int:
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


def _join(parents: list[int], one: int, other: int) -> None:
    a, b = _root(parents, one), _root(parents, other)
    parents[max(a, b)] = min(a, b)


def _alike(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of texts whose telling runs are nearly the same."""
    owners, runs = _telling_runs(texts)
    rows, starts, sizes = np.unique(owners, return_index=True, return_counts=True)
    enough = sizes >= LEAST_RUNS
    if int(enough.sum()) < 2:
        return
    signatures = _signatures(runs, starts)[enough]
    rows = rows[enough]
    one, other = _meetings(signatures)
    shared = (signatures[one] == signatures[other]).mean(axis=1)
    near = shared >= NEAR
    yield from zip(rows[one[near]].tolist(), rows[other[near]].tolist(), strict=True)


def _telling_runs(texts: Sequence[str]) -> tuple[Ints, Runs]:
    """(owner, run) of every run of every text, each once, sorted, without the common ones."""
    cut = [t if len(t) <= MAX_CHARS else t[: MAX_CHARS // 2] + t[-MAX_CHARS // 2 :] for t in texts]
    lengths = np.array([len(text) for text in cut], dtype=np.int64)
    letters = np.frombuffer("".join(cut).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    owners = np.repeat(np.arange(len(cut), dtype=np.int64), lengths)
    windows = max(0, letters.size - GRAM + 1)
    runs = np.zeros(windows, dtype=np.uint64)
    for k in range(GRAM):
        runs = runs * np.uint64(1_000_003) + letters[k : k + windows].astype(np.uint64)
    runs = _mixed(runs) >> np.uint64(32)
    whole = owners[:windows] == owners[GRAM - 1 : GRAM - 1 + windows]
    if windows > MAX_RUNS:
        whole &= runs < np.uint64(int(2**32 * MAX_RUNS / windows))
    packed = (owners[:windows][whole].astype(np.uint64) << np.uint64(32)) | runs[whole]
    packed.sort()  # several times as fast as np.unique, seen with numpy 2.3
    return _without_common(packed[np.r_[True, np.diff(packed) > 0][: packed.size]], len(texts))


def _without_common(packed: Hashes, n_texts: int) -> tuple[Ints, Runs]:
    runs = (packed & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    buckets = runs >> np.uint32(8)  # two runs in one bucket count as one: harmless, and quick
    telling = np.bincount(buckets)[buckets] <= max(COMMON_LEAST, COMMON_SHARE * n_texts)
    return (packed[telling] >> np.uint64(32)).astype(np.int64), runs[telling]


def _mixed(values: Hashes) -> Hashes:
    """SplitMix64's finaliser: neighbouring numbers become unrelated ones."""
    with np.errstate(over="ignore"):
        x = values + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: Hashes = x ^ (x >> np.uint64(31))
    return mixed


def _signatures(runs: Runs, starts: Ints) -> Runs:
    """Each text's least hash under each of 60 hash functions, shape (n_texts, 60).

    The functions are h(x) = a·x + b mod 2³² with odd a, over runs that are hashes already.
    """
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 2**31, BANDS * BAND_ROWS, dtype=np.uint32) * np.uint32(2)
    offsets = rng.integers(0, 2**32, BANDS * BAND_ROWS, dtype=np.uint32)
    columns = [
        np.minimum.reduceat(runs * (factor + np.uint32(1)) + offset, starts)
        for factor, offset in zip(factors, offsets, strict=True)
    ]
    return np.stack(columns, axis=1)


def _meetings(signatures: Runs) -> tuple[Ints, Ints]:
    """Row pairs that agree on a band; in a crowd, each with its neighbour and with the first."""
    pairs = []
    for band in range(BANDS):
        keys = signatures[:, band * BAND_ROWS : (band + 1) * BAND_ROWS]
        key = np.zeros(len(keys), dtype=np.uint64)
        for column in keys.T:
            key = _mixed(key ^ column)
        order = np.argsort(key, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(key[order]) != 0])
        first = np.repeat(starts, np.diff(np.r_[starts, order.size]))
        later = np.flatnonzero(first != np.arange(order.size))
        pairs.append(np.stack([order[later - 1], order[later]]))
        pairs.append(np.stack([order[first[later]], order[later]]))
    found = np.unique(np.concatenate(pairs, axis=1), axis=1)
    return found[0], found[1]
