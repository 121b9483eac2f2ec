"""exuvia."""
