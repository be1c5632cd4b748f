"""Goes over every page of the portal in a real Chromium and looks for what keeps people from using it."""
