"""Search spaces: the tree that every search uses, and the text form that makes it.

``objects`` is imported here, for it registers what is made of objects of other tools, and that has to be known before
any parameter is given one.
"""

from runlib.space.dialects import objects

__all__ = ["objects"]
