"""``vivek bench --kind review``: how well a review tells functions with a bug from those without.

It measures what is shipped: each row is reviewed as a user would have it done, and what stands is compared with its
label, which no part of the review is shown.
"""
