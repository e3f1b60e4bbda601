"""What the worst futures have in common, and what each input and each place contributes to a number."""
