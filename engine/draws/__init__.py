"""From path numbers to random words, to normal scores, to draws of factors and shocks."""
