"""Analyses behind the questions, most of which simulate the same futures again with changed inputs."""
