"""Bytes on a disk or an object store; it knows no study."""
