"""Questions of chapter 04: models that read what a user did, in its order."""
