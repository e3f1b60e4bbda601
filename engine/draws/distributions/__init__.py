"""Marginals: what a study may say a number is drawn from."""
