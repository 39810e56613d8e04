"""rouge_l, bleu and chrf against the packages that define them."""

from __future__ import annotations

import random
import sys

import pytest

from llmroute.errors import InputError
from llmroute.metrics import build_metric
from llmroute.metrics.rouge_l import RougeL
from llmroute.records import Plugin, Sample

WORDS = [
    "the",
    "cat",
    "sat",
    "running",
    "quickly",
    "on",
    "mats",
    "happily",
    "42",
    "naïve",
    "don't",
    "state-of-the-art",
    "Über",
    "a_b",
]
ODD = [
    ("", ""),
    ("!!!", "!!!"),
    ("a", "a"),
    ("日本語", "日本語"),
    ("İstanbul ſ ß", "istanbul s ss"),
    ("e\u0301a", "éa"),
    ("x" * 90, "x" * 90),
    ("yyyyyyyy syzygy", "syzygy"),
    ("a b c d", "d c b a"),
    ("one\ntwo\tthree", "one two three"),
    ("a-b_c.d", "a b c d"),
    ("123 456", "123.456"),
    ("the the the", "the"),
    ("\x00a\x00b", "a b"),
]


def random_pairs(n_pairs: int) -> list[tuple[str, str]]:
    rng = random.Random(7)
    texts = [
        " ".join(rng.choice(WORDS) for _ in range(rng.randrange(0, 40))) for _ in range(2 * n_pairs)
    ]
    return list(zip(texts[::2], texts[1::2], strict=True))


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "stemmer"])
def oracle(request: pytest.FixtureRequest):
    from rouge_score.rouge_scorer import RougeScorer

    return request.param, RougeScorer(["rougeL"], use_stemmer=request.param)


def test_rouge_l_equals_rouge_score(oracle) -> None:
    stemmer, scorer = oracle
    for target, prediction in [*random_pairs(1500), *ODD, *((b, a) for a, b in ODD)]:
        expected = scorer.score(target, prediction)["rougeL"].fmeasure
        value = RougeL(stemmer).score(Sample("q1", "", target=target), prediction)
        assert value == pytest.approx(expected, abs=1e-9), (target, prediction)


def test_rouge_l_by_hand() -> None:
    # lcs "the cat on mat" = 4 of 6 and of 4: 2·(4/4)·(4/6) / (4/4 + 4/6) = 0.8
    sample = Sample("q1", "", target="the cat sat on the mat")
    assert RougeL().score(sample, "The cat on mat.") == pytest.approx(0.8)


def test_rouge_l_takes_the_best_of_alternatives() -> None:
    sample = Sample("q1", "", target=["a dog", "the cat"])
    assert RougeL().score(sample, "the cat") == 1.0


def test_text_without_words_scores_zero_against_itself() -> None:
    assert RougeL().score(Sample("q1", "", target="…"), "…") == 0.0


def test_scoring_rouge_l_does_not_import_rouge_score() -> None:
    before = set(sys.modules)
    RougeL().score(Sample("q1", "", target="a b"), "a")
    assert not {name for name in set(sys.modules) - before if name.startswith("rouge_score")}


def test_bleu_and_chrf_are_sacrebleus() -> None:
    sacrebleu = pytest.importorskip("sacrebleu", reason="the extra llmroute[bleu] is not installed")
    references = ["The cat sat on the mat.", "A cat was on the mat."]
    sample = Sample("q1", "", target=references)
    text = "The cat was on a mat."
    bleu = sacrebleu.sentence_bleu(text, references).score / 100
    chrf = sacrebleu.sentence_chrf(text, references).score / 100
    assert build_metric(Plugin("bleu")).score(sample, text) == pytest.approx(bleu, abs=1e-12)
    assert build_metric(Plugin("chrf")).score(sample, text) == pytest.approx(chrf, abs=1e-12)


@pytest.mark.parametrize("name", ["bleu", "chrf"])
def test_a_missing_extra_is_said_with_the_line_that_installs_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmroute.metrics.bleu.find_spec", lambda _: None)
    with pytest.raises(InputError) as caught:
        build_metric(Plugin(name), where="suites/x.yaml")
    assert str(caught.value) == (
        f"suites/x.yaml: metric '{name}' needs the package sacrebleu\n"
        "Install it: pip install 'llmroute[bleu]'"
    )
