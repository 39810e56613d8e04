"""Completion → Score: what the output says, and what that is worth."""
