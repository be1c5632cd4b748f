"""A person declares an emergency: they sign that the glass is broken for one artifact at one place."""
