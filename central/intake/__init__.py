"""The one route by which gateways' batches come in."""
