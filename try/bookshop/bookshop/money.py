"""Sums of money, kept in cents."""


def euros(cents: int) -> str:
    """An amount as the customer reads it: 1250 is "12.50 EUR"."""
    return f"{cents // 100}.{cents % 100:02d} EUR"
