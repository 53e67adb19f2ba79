"""aiortc is for Python 3.11 and later: earlier ones have a phone without audio."""

import sys

collect_ignore = ["test_media.py", "test_phone_docstrings.py"] if sys.version_info < (3, 11) else []
