"""Showing: from the figures of a month to words, charts, pages and files."""
