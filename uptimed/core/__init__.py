"""The rules, pure: no clock, socket, disk or framework; *now* is always an argument."""
