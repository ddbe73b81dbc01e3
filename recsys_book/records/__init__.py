"""What experiments recorded, as lessons say and draw it."""
