"""All that talks to models; nothing outside this package opens a connection to one.

`base` is the protocol that the agent knows, `loop` the thread that every call runs on, `ollama`, `llamacpp`,
`openai` and `scripted` the models themselves. `select` chooses among them.
"""
