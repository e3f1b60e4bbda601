"""Conditions futures on observed figures: likelihood, and sequential Monte Carlo that samples the posterior."""
