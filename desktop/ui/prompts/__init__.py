"""The library of prompts in the window: the list that "/" opens, the form for variables, the page."""
