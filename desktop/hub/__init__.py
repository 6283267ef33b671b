"""The Hugging Face Hub: what a repository holds, who may have it, and its files on their way to this disk."""
