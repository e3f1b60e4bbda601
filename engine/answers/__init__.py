"""What a question to a study or a run gives: findings, tables, flags; to the screen, JSON, frames, zarr and back, files and pages."""
