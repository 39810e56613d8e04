"""A routing map against the previous one: what changed, why, and whether it may pass."""
