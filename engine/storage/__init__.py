"""Bytes on a disk; it knows no study."""
