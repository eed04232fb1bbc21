"""Dashboards for the Prometheus data source: of what uptimed serves, no recording rules."""
