"""The queue: tabs, filters, pages of rows, putting a request off, and what one may do with many at once. Nothing here decides a request."""
