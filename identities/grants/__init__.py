"""What non-human identities may do, by grants that somebody gave and can end."""
