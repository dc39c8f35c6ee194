"""Money as integer minor units."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, order=True)
class Money:
    """An amount in minor units (cents) of one currency."""

    amount: int
    currency: str = "KES"

    @classmethod
    def shillings(cls, whole: int) -> "Money":
        """Kenyan shillings as minor units: 20 bob is 2000."""
        return cls(amount=whole * 100)

    def __str__(self) -> str:
        """The amount as a person reads it, in major units."""
        return f"{self.currency} {self.amount // 100}.{self.amount % 100:02d}"
