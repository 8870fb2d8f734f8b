"""A domain asked about itself: what it publishes, what that means to receivers, and what to publish instead.

For the owner of a domain, where the protocols are for receivers of its mail. Waits for nothing, and knows no message.
"""
