"""A study backtested: its futures scored against observations."""
