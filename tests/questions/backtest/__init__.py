"""Tests of a study held against what was observed."""
