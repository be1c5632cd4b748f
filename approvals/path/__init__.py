"""Whether what observers saw is what people approved."""
