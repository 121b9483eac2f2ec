"""The workbench: begin a migration, look at what differs, reproduce it, and take exuvia out again."""
