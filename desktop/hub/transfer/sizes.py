"""Sizes as a person reads them."""


def readable(size: int) -> str:
    """`size` bytes in decimal units, as disks and the Hub count."""
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    if size >= 1e6:
        return f"{size / 1e6:.0f} MB"
    return f"{size / 1e3:.0f} kB"
