"""Where looks and letters are kept."""
