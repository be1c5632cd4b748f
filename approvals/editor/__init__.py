"""Where policies are written: the same draft as text and as a form."""
