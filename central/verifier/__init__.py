"""The verifier that a customer takes away: one file, for whoever trusts nobody."""
