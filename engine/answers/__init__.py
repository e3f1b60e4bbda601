"""Answers to questions about a study or a run: findings and tables, shown, stored and read back, exported and
reported."""
