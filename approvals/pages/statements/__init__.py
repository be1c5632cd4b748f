"""The page on which a person signs a statement beside an answer."""
