"""Both facades, with the cache, where nothing can be written: one warning, and all answers."""

import os
import tempfile

from one_file import main

print(os.access(__file__, os.W_OK), os.path.expanduser("~"))
try:
    print(tempfile.gettempdir())
except FileNotFoundError:
    print("no temporary directory")
main()
