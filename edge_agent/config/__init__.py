"""gateway.toml into one frozen object, every fault at once."""
