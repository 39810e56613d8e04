"""llmroute: the cheapest model that clears the bar for each task, with the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmroute.review import Review
    from llmroute.router import Decision, Router

__all__ = ["Decision", "Review", "Router", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """The public names, imported when first asked for: the command line starts without numpy."""
    if name in ("Decision", "Review", "Router"):
        from llmroute import router

        return getattr(router, name)
    raise AttributeError(f"module 'llmroute' has no attribute {name!r}")
