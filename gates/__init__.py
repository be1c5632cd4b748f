"""One question: may this digest go there? And the answer, written down."""
