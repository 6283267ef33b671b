"""Proofs that stand outside the program: what leaves it is seen by the kernel, not by what the program says of itself.

python packaging/proofs/silence.py     offline, nothing opens a socket
python packaging/proofs/secrecy.py     an access token goes to its own host and to nobody else
"""
