"""Questions of chapter 03: models that cross more than two fields."""
