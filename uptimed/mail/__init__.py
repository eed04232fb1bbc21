"""Mail: making messages of what was written, and handing them over to a server."""
