"""Exit 0 if this container's gateway can accept and store; the port is the one it was told to listen on."""

import os
import sys
import urllib.error
import urllib.request

port = os.environ.get("READING_GATEWAY_HTTP", "0.0.0.0:8080").rpartition(":")[2]
try:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=4) as answer:
        sys.exit(0 if answer.status == 200 else 1)
except (urllib.error.URLError, OSError) as exc:
    print(exc, file=sys.stderr)
    sys.exit(1)
