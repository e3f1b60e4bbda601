"""Questions that need a study's program again, one a file: the same futures fed with other numbers."""
