"""Policies against each other on the same futures: gaps, orders, ranks, regrets, and where one overtakes another."""
