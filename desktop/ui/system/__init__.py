"""Operating system: single instance, signals, files to open, the display."""
