"""Sign-in through identity providers: which there are, who comes in, and which roles their groups carry."""
