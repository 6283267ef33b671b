"""The page of tools: servers, what they may, what they did, and a call by hand."""
