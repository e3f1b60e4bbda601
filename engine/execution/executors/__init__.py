"""Executors, which compute the parts of a run: one contract, three implementations, and the workers of two of them."""
