"""What `latchkey bench` measures of the window, in processes of its own."""
