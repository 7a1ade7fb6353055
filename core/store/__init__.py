"""What is kept: SQLModel tables, transactions and migrations."""
