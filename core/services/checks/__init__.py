"""The questions that credentials are asked before they are stored, and again whenever someone wants to know."""
