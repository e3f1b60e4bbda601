"""Data to families of laws, ranked by how well they fit."""
