"""Logged requests × routing map → what the map would have done with them, and what that changes."""
