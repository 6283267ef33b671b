"""Conversations from the exports of other programs."""
