"""Measure availability minute by minute, and let everything else read the letters."""
