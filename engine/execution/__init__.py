"""From a study to its run folder: the job, the executors that compute its parts, planning."""
