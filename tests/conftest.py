"""Every core is a device of its own in the tests, as in a run."""

from engine.devices import use_every_core

use_every_core()
