"""The dashboard's server, whose sessions can be looked into: for each line of the input, one line comes out that
begins with `SESSIONS` and goes on in JSON, with all texts that the sessions hold.

    python -m tests.browser.watched --server.port 8501"""

import json
import os
import sys
import threading

from streamlit.runtime import get_instance

from dashboard import serve
from tests.session_walk import texts


def _answer() -> None:
    for _ in sys.stdin:
        while True:
            try:
                sessions = get_instance()._session_mgr.list_sessions()
                found = [sorted(set(texts(one.session.session_state))) for one in sessions]
            except RuntimeError:  # a session changed while it was looked at
                continue
            except Exception:
                os._exit(1)  # whoever asked would wait for ever
            break
        print("\nSESSIONS" + json.dumps(found), flush=True)


if __name__ == "__main__":
    threading.Thread(target=_answer, daemon=True).start()
    serve.main()
