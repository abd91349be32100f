"""The version of this package, which has a life of its own beside the server's."""

__version__ = "0.1.0"
