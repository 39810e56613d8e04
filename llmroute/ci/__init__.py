"""What a CI system is told beside files and exit codes."""
