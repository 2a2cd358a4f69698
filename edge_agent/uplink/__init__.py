"""Batches to central, receipts back."""
