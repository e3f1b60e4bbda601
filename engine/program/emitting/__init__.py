"""Stages to text: LLVM IR for processors and cards, PTX."""
