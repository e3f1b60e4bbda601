"""Fits families of distributions to data, and ranks them by how well they fit."""
