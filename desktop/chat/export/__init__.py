"""Conversations as files: the lossless JSON of Latchkey's own, and Markdown and HTML for people.

`conversation_document.py` is the JSON and reads it again; every other form is written only. PDF and print are drawn
with Qt, in `desktop/ui/export`.
"""
