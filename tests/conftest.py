"""Every core is a device of its own in the tests, as in a run; and no test finds a program that an earlier one compiled."""

import os

from engine.program.devices import use_every_core

os.environ["RUSTBELT_CACHE"] = "off"
use_every_core()
