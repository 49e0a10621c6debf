"""What `odeon build` makes a module of: the project's `src/main.py`, and the SDK's door."""

import gc
import linecache
import os
import sys

# No files beside the project's own.
sys.dont_write_bytecode = True

import main  # noqa: F401  (its functions become startable as it is imported)
from odeon.entry import Entry  # noqa: F401

# Stacks show the project's lines, which an actor cannot read from any file: so they are read
# here, and not looked for again.
for module in list(sys.modules.values()):
    file = getattr(module, "__file__", None) or ""
    if os.path.dirname(file).startswith(os.path.dirname(main.__file__)):
        linecache.getlines(file)
linecache.checkcache = lambda filename=None: None

# What is there now is in the snapshot that all actors start from. The collector need not look
# at it again, which would make each actor's own copy of it.
gc.collect()
gc.freeze()
