"""What a technician does with a bus: ports, scan, stats, sniff, loopback, take, release."""
