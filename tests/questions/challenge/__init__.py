"""Tests of `engine.questions.challenge`, which mirror it."""
