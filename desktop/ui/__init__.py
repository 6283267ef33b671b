"""The window: everything Qt, by feature."""
