"""The daemon: looks every minute, settles the letters, keeps both, and tells of outages."""
