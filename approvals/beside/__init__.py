"""A review held against another baseline than the signed one: a view, never what is signed."""
