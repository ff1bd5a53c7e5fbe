import sys

# httpx also brings a command line of its own, and most of its imports are that one's. It does
# without where there is none.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
