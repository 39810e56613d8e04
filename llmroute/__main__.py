"""`python -m llmroute`."""

from llmroute.cli.app import main

if __name__ == "__main__":
    main()
