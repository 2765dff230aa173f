"""``vivek bench``: how many tasks a model solves, asked plainly and through Vivek, and what that costs.

It measures what is shipped: an arm asks as a user would, and no part of Vivek knows that it is being measured.
"""
