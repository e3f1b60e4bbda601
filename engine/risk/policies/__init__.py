"""Comparison of policies on the same futures: differences, dominance, ranks, regret, and overtaking."""
