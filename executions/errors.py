"""What can go wrong between robots that share a batch."""


class StaleClaim(Exception):
    """Somebody else was first: the row is no longer in the state, or no longer carries the token, that was expected."""
