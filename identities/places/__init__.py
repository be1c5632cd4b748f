"""The projects a team releases and the environments they go to: how more of them come to be."""
