"""Executors, which compute the parts of a run: this process, or a cluster with its workers."""
