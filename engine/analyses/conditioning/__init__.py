"""A study given what was observed: its futures weighed by facts, or moved to where these are likely."""
