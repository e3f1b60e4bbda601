"""Tests of a study given what was observed."""
