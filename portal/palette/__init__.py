"""The command palette: pages and search results by keyboard."""
