"""Leaves to central, and receipts back, on a USB stick."""
