"""Bill files: opened, read, understood. No network, no database."""
