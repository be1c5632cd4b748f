"""Ways of signing that were seen and that nobody registered: taken into the register in one step, or blocked."""
