"""What people do on site, recorded: comparisons, replaced meters, calibrations, regulators."""
