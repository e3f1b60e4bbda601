"""Executors, which compute the parts of a run: one contract, three implementations, and the workers' side of two of
them.
"""
