"""The `latchkey` command: the same core as the window, on a terminal or in a script."""
