"""What computes: machine code on threads, cards, XLA, NumPy; what is kept for the next process."""
