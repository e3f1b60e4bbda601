"""Comparison of policies on the same futures: differences, dominance, ranks and regret."""
