"""Approvals are taken back: by whom gave them, by two who answer for security, or by the portal when what they rest on fails."""
