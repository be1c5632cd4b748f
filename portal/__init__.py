"""The shell: settings, URLs, sign-in pages, processes, and the one place where a refusal becomes HTTP."""

__version__ = "0.1.0"
