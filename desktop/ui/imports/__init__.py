"""The page that takes in chats which other programs exported."""
