"""`edge-agent link`: the way to central, step by step, each with its cause and remedy."""
