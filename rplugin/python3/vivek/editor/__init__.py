"""The way back from the worker threads to Neovim."""
