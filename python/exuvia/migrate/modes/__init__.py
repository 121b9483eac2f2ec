"""Modes: the journal that may lower them, and the steps that raise them."""
