"""What people look at: the table of `exuvia status` and the report."""
