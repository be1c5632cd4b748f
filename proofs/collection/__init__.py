"""Many pieces of evidence in one file: told apart, cut into items, each with its exact bytes. Nothing here verifies anything."""
