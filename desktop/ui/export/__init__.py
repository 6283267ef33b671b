"""Chats drawn on pages, for PDF and for a printer; and exporting from the window."""
