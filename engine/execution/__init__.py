"""A study to its run folder: the job, who computes its parts, planning."""
