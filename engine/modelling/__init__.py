"""What somebody who writes a model touches, and how a model is checked."""
