"""A run as one object: open, ask, replay, look after, export."""
