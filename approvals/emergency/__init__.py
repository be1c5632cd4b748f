"""Break-glass: going past the policy in an emergency, within its bounds, and what others say of it afterwards."""
