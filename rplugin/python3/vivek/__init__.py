"""Vivek makes small local models good at real coding work inside Neovim.

The one import is the plugin class, which pynvim's host looks for; it pulls in pynvim and nothing else, so the host is
up at once. Everything heavier is imported by the worker thread.
"""

from vivek.plugin import VivekPlugin

__all__ = ["VivekPlugin"]
