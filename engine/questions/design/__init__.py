"""Policies with other levers on the same futures, and the search for levers at which a limit holds."""
