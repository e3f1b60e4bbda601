"""One file a kind of table of a study file: what it says, and all that is wrong with it."""
