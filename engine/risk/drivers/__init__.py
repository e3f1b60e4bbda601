"""What the worst futures have in common, and what each input and each place does to a number."""
