"""Runs what the user switched on (a block's own examples, a test command) on a copy of the project, in a sandbox.

It bridges a candidate text to findings: which example or test fails, and with which value. It judges no edit and
words no prompt, and never runs anything on the user's files.
"""
