"""Looking: one file a protocol, which returns the facts of an attempt and judges nothing."""
