"""What a gate let through: that it was, the one use there is of an action or a rotation, and what became of it."""
