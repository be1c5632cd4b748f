"""The ground floor, tried without a database: one file a source file, and the vectors other projects published."""
