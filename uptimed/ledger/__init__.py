"""Reading the record: letters, months, statements, explanations. It writes nothing."""
