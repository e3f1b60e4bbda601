"""Return levels: what is reached once in so many futures or years, also beyond those that were simulated."""
