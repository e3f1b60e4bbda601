"""Tests of policies with other levers, and of the search for a lever at which a limit holds."""
