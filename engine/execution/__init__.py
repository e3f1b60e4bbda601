"""A study to its run folder: the job, its parts, replay, planning, upkeep."""
