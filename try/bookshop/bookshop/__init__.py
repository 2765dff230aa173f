"""A small bookshop: what is on the shelf, and what an order costs."""
