"""A site from nothing to a checked gateway.toml and a signed act: `edge-agent commission`."""
