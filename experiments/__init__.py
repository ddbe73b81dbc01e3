"""The evidence: what the book says of its models, declared, measured on fresh worlds, recorded."""
