"""What evidence is verified under: the stored trust roots, and how two officers change them."""
