"""The pages of a project's expectations."""
