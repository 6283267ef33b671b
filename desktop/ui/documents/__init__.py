"""The page of documents: collections, what was read of their files, and passages found in them."""
