"""Colors, fonts and icons, and their switch while the window is open."""
