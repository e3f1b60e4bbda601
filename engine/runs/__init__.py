"""A run as one object: opened, asked questions, replayed, repaired, exported."""
