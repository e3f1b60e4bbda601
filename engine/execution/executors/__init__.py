"""Who computes the parts of a run: one contract, three executors, and what stands at their other end."""
