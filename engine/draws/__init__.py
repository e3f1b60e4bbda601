"""Path numbers to random words, to scores, to draws of factors and shocks."""
