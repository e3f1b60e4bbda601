"""From numbers to estimates with intervals, tables and summaries, and their wording."""
