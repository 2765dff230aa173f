"""The graph that turns an ask into text edits: planner, executor, reviewer, formatter.

It knows the model, the document and the listener only as ports (`Ports`), and is the only package that imports
langgraph.
"""
