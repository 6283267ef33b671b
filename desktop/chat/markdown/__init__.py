"""An answer's Markdown: how it is read (parser and its rules), and how it is cut into what a transcript draws apart."""
