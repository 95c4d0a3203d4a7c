"""Rows, queries and the engine. Knows nothing of ``core``."""
