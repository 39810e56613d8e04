from __future__ import annotations

from collections.abc import Callable

import pytest

from llmroute.artefact import training_fingerprint
from llmroute.calibration.pair import Pair
from llmroute.cascades.answer_scorer import AnswerScorer
from llmroute.cascades.artefact import SavedCascade, save_cascade
from llmroute.cascades.decide import Cascade
from llmroute.routers.novelty import Novelty

PROMPT = "Ann has 20 pens, buys 30 and finds 40. How many are there?"
RIGHT = "20 + 30 = 50 pens\n50 + 40 = 90 pens\n#### 90"
WRONG = "20 + 30 = 53 pens\n53 + 40 = 93 pens\n#### 93"


@pytest.fixture(scope="module")
def cascade(tmp_path_factory: pytest.TempPathFactory, sums_pair: Callable[..., Pair]) -> Cascade:
    pair = sums_pair(160)
    scorer = AnswerScorer(checks=("arithmetic", "truncation"), n_trees=20).fit(pair)
    novelty = Novelty.learn([query.text for query in pair.queries])
    path = tmp_path_factory.mktemp("saved") / "cascade.json"
    save_cascade(path, SavedCascade(scorer, "w", "s", 0.7, novelty, training_fingerprint(pair)))
    return Cascade.load(path)


def test_a_right_answer_stands_and_a_wrong_one_does_not(cascade: Cascade) -> None:
    right, wrong = (cascade.look(PROMPT, answer) for answer in (RIGHT, WRONG))
    assert (right.stands, right.failed_checks) == (True, ())
    assert right.reason == f"escalation_score {right.escalation_score:.3f} < 0.700"
    assert (wrong.stands, wrong.failed_checks) == (False, ("arithmetic.any_wrong",))
    assert wrong.reason.endswith(">= 0.700 (arithmetic.any_wrong)")


@pytest.mark.parametrize("answer", [None, "", "\n "])
def test_nothing_does_not_stand(cascade: Cascade, answer: str | None) -> None:
    look = cascade.look(PROMPT, answer)
    assert (look.stands, look.escalation_score) == (False, 1.0)
    assert look.reason == "there is no answer"


def test_prompts_unlike_the_training_ones_are_not_put_to_the_weak_model(cascade: Cascade) -> None:
    strange = "Übersetze bitte diesen Vertrag ins Spanische"
    known, novel, empty = cascade.objections([PROMPT, strange, " "])
    assert known is None
    assert novel is not None
    assert novel.startswith("unlike the training prompts")
    assert empty == "the prompt is empty: strong, to be safe"
    assert not cascade.look(strange, RIGHT).stands


@pytest.mark.parametrize(
    "answer", ["\x1b[31m" * 50_000, "1+" * 100_000, "\ud800 7 + 7 = 14 \udfff"]
)
def test_a_hostile_answer_is_looked_at_and_not_repeated(cascade: Cascade, answer: str) -> None:
    look = cascade.look(PROMPT, answer)
    assert 0.0 <= look.escalation_score <= 1.0
    assert look.reason.isprintable()
