"""Compiles one program per study from the model's methods, and runs it on processors or graphics cards."""
