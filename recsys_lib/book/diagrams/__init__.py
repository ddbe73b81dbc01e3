"""Pictures of models: ``diagram`` of any built model, and the machinery behind ``sketch``."""
