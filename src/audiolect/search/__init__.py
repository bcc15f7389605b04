"""Finding recordings: exact scans, the index, and the engine that answers queries."""
