"""Suite files → Suites, and Suite × Sample → messages."""
