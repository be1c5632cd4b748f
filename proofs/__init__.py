"""The ground floor: untrusted bytes in, verified values or a refusal out.

Pure: no Django, no database, no clock, no network, no settings. Every time that matters is an argument.
"""
