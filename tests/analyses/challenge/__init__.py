"""Tests of `engine.analyses.challenge`, which mirror it."""
