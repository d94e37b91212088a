"""Search spaces: the tree that every search uses, and the text form that makes it."""
