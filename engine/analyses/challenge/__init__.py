"""A study's claims held against other choices than its own: in how many they stand, what turns them, and what carries that."""
