"""Tests of what is passed once in so many futures or years."""
