"""A model's methods, and what a study draws, as equations of scalars."""
