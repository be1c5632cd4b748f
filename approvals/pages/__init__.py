"""What the pages show, read and put together; nothing here writes or decides."""
