"""Specification curves of a study's claims: in how many alternatives they hold, and what turns them."""
