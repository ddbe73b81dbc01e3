"""What is wrong with a lesson, without running it."""
