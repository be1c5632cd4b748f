"""The pages of breaking the glass, and the register of it."""
