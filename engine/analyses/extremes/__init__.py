"""What is passed once in so many futures or years, also beyond those that were computed."""
