"""In a mail server: a milter for Postfix and Sendmail, and a handler for aiosmtpd."""
