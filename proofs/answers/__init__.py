"""The four questions a signature does not answer, each answered by named checks over facts."""
