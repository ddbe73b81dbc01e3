"""Which tests a change calls for, and the record of what passed."""
