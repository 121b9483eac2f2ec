"""Tests of the bot: `pytest` in the folder above. No network but 127.0.0.1."""
