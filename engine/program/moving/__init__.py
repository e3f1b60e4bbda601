"""Futures moved to where facts are likely: what would be observed on a future, and the sequential Monte Carlo that moves it."""
