"""Answers to questions about a study or a run: findings and tables, shown, stored, read back and exported."""
