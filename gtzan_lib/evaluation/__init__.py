"""Metrics with intervals, means over seeds, calibration."""
