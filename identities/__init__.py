"""Who: people and non-human identities, the teams, projects and environments they act on, their keys and tokens."""
