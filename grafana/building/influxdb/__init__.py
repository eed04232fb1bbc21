"""Dashboards for the InfluxDB data source, in Flux: of what uptimed's follower writes."""
