"""Setting a portal up: the steps an administrator is led through, each of which can be skipped and found again."""
