"""Call → Completion or Failure; the only room that reaches a model."""
