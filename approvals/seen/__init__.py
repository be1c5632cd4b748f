"""What people saw before, so that pages can tell them what is new to them."""
