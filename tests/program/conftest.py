"""What tests of the program share."""

from tests.program.simulated_driver import machine

__all__ = ["machine"]
