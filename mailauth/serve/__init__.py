"""In a mail server: a milter, and what it needs."""
