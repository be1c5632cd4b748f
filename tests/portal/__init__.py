"""The shell: settings, errors, processes."""
