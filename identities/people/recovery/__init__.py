"""A person who lost every approval key: asks, two officers agree, and one key may be enrolled that no older one signs for."""
