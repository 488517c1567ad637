"""What can go wrong between robots that share a batch."""


class StaleClaim(Exception):
    """Somebody else was first: the row is no longer in the state, or no longer carries the token, that was expected."""


class ContagemMudou(Exception):
    """An act was to apply to so many rows, and now there are `n`: nothing was done."""

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self.n = n
