"""Start Label Studio with our settings: python -I -u launcher.py EXECUTABLE WORDS...

What is in this folder runs in Label Studio's own environment, which has no annolooop.
"""

import os
import runpy
import sys

HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 (nothing more to load)

sys.path.insert(0, HERE)
os.environ["DJANGO_SETTINGS_MODULE"] = "annoloop_settings"
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
