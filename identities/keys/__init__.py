"""The keys people approve with, apart from sign-in: enrolled, bound, replaced, revoked, recovered."""
