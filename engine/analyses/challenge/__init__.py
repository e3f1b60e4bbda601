"""Specification curves of a study's claims: in how many alternatives they hold, what turns and what carries them."""
