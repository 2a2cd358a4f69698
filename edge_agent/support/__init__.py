"""The support bundle: what somebody far away needs to understand a gateway, and no secret."""
