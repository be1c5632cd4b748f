"""The pages that adopt or block a key that nobody registered, where evidence names it only by a hint: who asks brings the key itself."""
