"""Proofs, exports and the daily checkpoint: what leaves central so that anybody can check it."""
