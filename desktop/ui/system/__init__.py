"""What the operating system asks of the program and tells it: one instance, signals, files to open, the display."""
