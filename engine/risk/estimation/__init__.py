"""Numbers to estimates with intervals, tables and summaries, and the words for them."""
