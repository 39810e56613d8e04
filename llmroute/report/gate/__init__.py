"""GateResult → what the check says, in each format."""
