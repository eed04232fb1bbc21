"""Pushing alerts to Alertmanagers: what to send when, and the way there."""
