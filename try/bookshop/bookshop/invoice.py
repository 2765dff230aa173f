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
        total = total + price
        lines.append(str(copies) + " x " + title + ": " + euros(price))
    lines.append("-" * 30)
    lines.append("Total: " + euros(total))
    return "\n".join(lines)


def catalogue(stock: Stock, titles: list[str]) -> str:
    """The prices of some books, a line each."""
    return "\n".join(f"{book.title}: {euros(book.cents)}" for title in titles if (book := stock.find(title)))
