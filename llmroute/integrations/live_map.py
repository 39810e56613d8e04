"""A map's file → its Router, always that of the file as it stands, without a request waiting."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Self

from llmroute.errors import LlmrouteError
from llmroute.router import Router

LOG = logging.getLogger("llmroute")

Stamp = tuple[tuple[int, int] | None, ...]
"""(time of change in ns, size) of each file; None: it is not there."""


class LiveMap:
    """A routing map that a running service decides by.

    A changed file is loaded beside the requests, which go on with the map they have; one that
    cannot be used is said in the log, and the map before it stays.
    """

    def __init__(self, path: Path, router: Router, stamp: Stamp) -> None:
        self.path = path
        self._router = router
        self._stamp = stamp
        self._loading = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """The map in this file, loaded.

        Raises:
            InputError: the map or its query router cannot be used.
        """
        before = _stamp(path, None)
        router = Router.load(path)
        return cls(path, router, before[:1] + _stamp(path, router)[1:])

    def router(self) -> Router:
        """The router of the newest usable map; starts loading another where the file changed."""
        stamp = _stamp(self.path, self._router)
        if stamp != self._stamp and self._loading.acquire(blocking=False):
            self._stamp = stamp
            threading.Thread(target=self._reload, name="llmroute-map", daemon=True).start()
        return self._router

    def _reload(self) -> None:
        try:
            self._router = Router.load(self.path)
            LOG.info("%s has changed and is in use", self.path)
        except (LlmrouteError, OSError) as error:
            LOG.error(
                "%s has changed and is not usable; the map before it stays: %s", self.path, error
            )
        finally:
            self._loading.release()


def _stamp(path: Path, router: Router | None) -> Stamp:
    """Of the map, and of the files beside it that it names."""
    named = (router.routing_map.query_router, router.routing_map.cascade) if router else ()
    beside = [path.with_name(stated.artefact) for stated in named if stated]
    return tuple(_one_stamp(file) for file in (path, *beside))


def _one_stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
