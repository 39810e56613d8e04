"""`python -m llmroute`, and the command itself: here a Ctrl-C while it still loads is met too."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from llmroute.cli.app import app

        app()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted: nothing was sent. Run the same command again.\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
