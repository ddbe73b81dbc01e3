"""From texts to notebooks, start page and ledger, and what each of them follows from."""
