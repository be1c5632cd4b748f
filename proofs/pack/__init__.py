"""Packs: every file with which an approval is checked offline, their layout, how one is made and how one is verified."""
