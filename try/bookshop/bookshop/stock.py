"""What is on the shelf."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Book:
    """A book, its price in cents and how many copies are there."""

    title: str
    cents: int
    copies: int


class Stock:
    """All the books, found by title."""

    def __init__(self, books: list[Book]) -> None:
        self._books = {book.title: book for book in books}

    def __iter__(self) -> Iterator[Book]:
        return iter(self._books.values())

    def find(self, title: str) -> Book | None:
        """The book of that title, or None where the shop does not have it."""
        return self._books.get(title)

    def take(self, title: str, copies: int) -> None:
        """Take copies off the shelf. Raises ValueError where there are not enough."""
        book = self._books[title]
        if copies > book.copies:
            raise ValueError(f"only {book.copies} of {title} left")
        book.copies -= copies
