"""Whether the tests notice when the code is wrong: small faults are put in, one at a time."""
