"""Runs programs: machine code on threads or graphics cards, XLA, NumPy; and the cache of compiled code."""
