"""One person signs something beside an answer to a request: what they are offered, and what is kept of it, whatever it says."""
