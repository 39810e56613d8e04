"""llmroute.yaml → Config, and the marked reading every file a person writes goes through."""
