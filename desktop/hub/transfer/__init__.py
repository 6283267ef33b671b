"""From a file of a repository to the same file on this disk: never a wrong one, never a lost one, never a hang."""
