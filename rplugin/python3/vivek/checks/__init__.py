"""Checks of an edit that need no model: what was before, what is after, and what the tools say of the
difference."""
