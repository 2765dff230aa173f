"""Pure text work: from a model's reply to text edits. It knows nothing of models, editors or the graph."""
