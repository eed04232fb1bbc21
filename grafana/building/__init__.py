"""The dashboards, made from plain data.

What a panel asks and how it looks stands in `prometheus` and `influxdb`, once for each data source;
where it stands follows from the order and the widths. Needs nothing but Python, and makes the same
bytes every time.
"""
