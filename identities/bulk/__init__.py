"""Many programs at once: the register as a file, out and in."""
