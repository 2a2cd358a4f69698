"""requests, without its guess of alphabets: 3 MB of memory for what no answer of central needs.

requests does without either library, but warns; central's answers are bytes, and JSON in UTF-8. A
module that stands as None in sys.modules is one that cannot be imported (importlib, The import
system: The module cache).
"""

from __future__ import annotations

import sys
import warnings
from typing import Final

_GUESSERS: Final = ("chardet", "charset_normalizer")
_left_out = [name for name in _GUESSERS if name not in sys.modules]
sys.modules.update(dict.fromkeys(_left_out))  # type: ignore[arg-type]  # None: as the docs say
try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import requests as requests
finally:
    for _name in _left_out:
        del sys.modules[_name]
