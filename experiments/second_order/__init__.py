"""Questions of chapter 02: models that cross every pair of fields."""
