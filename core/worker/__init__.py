"""The worker: the one process that computes. It alone knows DBOS."""
