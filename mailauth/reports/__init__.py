"""DMARC reports (RFC 9990, RFC 9991) and TLS reports (RFC 8460): counted, written, read and shown."""
