"""What the customer gets to read."""

from bookshop.money import euros
from bookshop.stock import Stock


def invoice(order, stock):
    """The lines of an order and its total, as text."""
    lines = []
    total = 0
    for title, copies in order.items():
        book = stock.find(title)
        price = book.cents * copies
        total += price
        lines.append(f"{copies} x {title}: {euros(price)}")
    lines.append("-" * 30)
    lines.append(f"Total: {euros(total)}")
    return "\n".join(lines)


def catalogue(stock: Stock) -> str:
    """The prices of all books, a line each."""
    lines = [f"{book.title}: {euros(book.cents)}" for book in stock]
    return "\n".join(sorted(lines))
