"""Reviewing code: findings that are where they say they are, from static tools, examples and the model."""
