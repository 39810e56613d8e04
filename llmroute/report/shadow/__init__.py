"""A shadow audit → what it says, in each format."""
