"""What a run leaves, and whose it is: cube, ledger, ownership, provenance."""
