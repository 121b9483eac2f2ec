"""A small intraday FX bot for a Saxo-shaped venue: three scenarios, one scan loop, files as its output."""
