"""Writes code from stages: LLVM IR for processors and graphics cards, and PTX for the latter."""
