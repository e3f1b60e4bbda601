"""One compiled program per study, and the devices that it runs on."""
