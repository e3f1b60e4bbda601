"""The run folder: its cube, the ledger of what is done, which study it belongs to, and its provenance."""
