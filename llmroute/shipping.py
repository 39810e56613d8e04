"""Calibration → what goes into production: router, cascade, and the map that names them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llmroute.artefact import training_fingerprint
from llmroute.calibrating import EMBEDDING_ROUTERS
from llmroute.calibration.bootstrap import intervals
from llmroute.calibration.curve import NEVER_STRONG
from llmroute.digest import file_digest
from llmroute.records import Cascade, Interval, QueryRouter, RoutingMap
from llmroute.routers.novelty import Novelty

if TYPE_CHECKING:
    from llmroute.calibrating import AnswerSide, Calibration
    from llmroute.calibration.threshold import OperatingPoint

ROUTER_FILE = "query-router.json"
CASCADE_FILE = "cascade.json"

Saved = tuple[RoutingMap, tuple[Path, ...]]


def save_calibration(calibration: Calibration, folder: Path) -> Saved:
    """The map with what was calibrated, and the files written; what is refused writes none.

    Raises:
        OutsideError: a file can't be written.
    """
    point, answers = calibration.point, calibration.answers
    if not calibration.shipped or point is None:
        return calibration.routing_map, ()
    if answers is None:
        router, paths = _save_router(calibration, folder, point.threshold, point.strong_share)
        return replace(calibration.routing_map, query_router=router), paths
    return _save_answers(calibration, folder, point, answers)


def direct_threshold(calibration: Calibration) -> float:
    """`strong_win_rate >= direct_threshold` goes straight to strong, before any answer is seen.

    A combined policy whose threshold is above all escalation scores is a query router: no answer
    is looked at.
    """
    point, answers = calibration.point, calibration.answers
    if point is None or answers is None or answers.direct is None or not answers.direct.share:
        return NEVER_STRONG
    return max(answers.direct.threshold, point.threshold - 1)


def _save_answers(
    calibration: Calibration, folder: Path, point: OperatingPoint, answers: AnswerSide
) -> Saved:
    shipped = calibration.routing_map
    written: tuple[Path, ...] = ()
    direct = direct_threshold(calibration)
    if direct < NEVER_STRONG and answers.direct is not None:
        rows = answers.direct.rows & (answers.rates >= direct)
        share = intervals(
            lambda counts: (counts @ rows / counts.sum(axis=1))[:, None],
            calibration.pair.groups,
            seed=calibration.wish.seed,
        )[0]
        router, written = _save_router(calibration, folder, direct, share)
        shipped = replace(shipped, query_router=router)
    if point.threshold <= 1:
        cascade, paths = _save_cascade(calibration, folder, point, answers)
        shipped, written = replace(shipped, cascade=cascade), (*written, *paths)
    return shipped, written


def _save_router(
    calibration: Calibration, folder: Path, threshold: float, share: Interval
) -> tuple[QueryRouter, tuple[Path, ...]]:
    from llmroute.routers.artefact import SavedRouter, save_router

    pair, fitted = calibration.pair, calibration.fitted
    saved = SavedRouter(
        learned=fitted,
        weak=pair.weak,
        strong=pair.strong,
        routing_threshold=threshold,
        novelty=Novelty.learn([query.text for query in pair.queries]),
        training=training_fingerprint(pair),
    )
    paths = save_router(folder / ROUTER_FILE, saved)
    reads = calibration.router in EMBEDDING_ROUTERS
    return QueryRouter(
        router=calibration.router,
        artefact=ROUTER_FILE,
        sha256=file_digest(paths[0]),
        weak=pair.weak,
        strong=pair.strong,
        routing_threshold=threshold,
        strong_share=share,
        apgr=calibration.proof.summary.apgr,
        embedding=getattr(fitted, "embedding", None) if reads else None,
        task=calibration.wish.task,
    ), paths


def _save_cascade(
    calibration: Calibration, folder: Path, point: OperatingPoint, answers: AnswerSide
) -> tuple[Cascade, tuple[Path, ...]]:
    from llmroute.cascades.artefact import SavedCascade, save_cascade

    pair = calibration.pair
    saved = SavedCascade(
        learned=answers.escalator,
        weak=pair.weak,
        strong=pair.strong,
        routing_threshold=point.threshold,
        novelty=Novelty.learn([query.text for query in pair.queries]),
        training=training_fingerprint(pair, answers=True),
    )
    paths = save_cascade(folder / CASCADE_FILE, saved)
    return Cascade(
        escalator=answers.escalator.name,
        artefact=CASCADE_FILE,
        sha256=file_digest(paths[0]),
        weak=pair.weak,
        strong=pair.strong,
        routing_threshold=point.threshold,
        strong_share=point.strong_share,
        apgr=calibration.proof.summary.apgr,
        saving=point.saving,
        task=calibration.wish.task,
    ), paths
