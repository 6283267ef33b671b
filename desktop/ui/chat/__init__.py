"""The conversation: transcript, composer and what stands around them."""
