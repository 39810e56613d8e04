"""llmroute: the cheapest model that clears the bar for each task, with the evidence."""

__version__ = "0.1.0"
