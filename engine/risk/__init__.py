"""From numbers to estimates with intervals, tables and summaries; no disk, no device."""
