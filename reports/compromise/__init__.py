"""What is affected when a program turns out to have been somebody else's since a time."""
