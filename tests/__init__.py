"""The tests, by part, as the code is."""
