"""Dispatch: which side serves a call, and how a name that was bound long ago follows a flip."""
