"""What the model gets to see: the blocks of a file, the symbols it uses, the ignore rules, and the packer
that makes it all fit in a budget of tokens.

Everything here takes strings and paths and returns frozen dataclasses. It knows no model, no editor and no
graph.
"""
