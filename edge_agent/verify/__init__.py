"""`edge-agent verify`: proofs and exports checked offline, with nothing but protocols."""
