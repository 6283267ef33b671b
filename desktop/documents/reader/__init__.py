"""The reader: the process in which strangers' documents and pictures are parsed, and the only place that may do so.

It is confined before it is given the first byte. It opens no file: what it reads comes over its pipe, and what it gives
back is text, pixels, and problems and notes by their names. The app words them.
"""
