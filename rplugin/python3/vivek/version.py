"""The version, in the one place that Python, the package's metadata and the editor read."""

VERSION = "0.1.0"
