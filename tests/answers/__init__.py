"""Answers, and the contract of all questions."""
