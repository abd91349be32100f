"""A server on a free port for your own tests.

```python
from semanas import Client
from semanas.testing import start_server

with start_server() as server, Client(server.endpoint) as client:
    job = client.get_work_history_when_done("GOAA970724HYNNNL08")
```

`start_server` takes the real one with synthetic people, `semanas demo --serve`, when the program is at hand (`SEMANAS_BIN`, else
`semanas` on the path), and a `FakeServer` else. With pytest, `pytest_plugins = ["semanas.testing.fixtures"]` in a `conftest.py`
gives the fixtures `semanas_server` (whichever is there) and `semanas_fake` (always the fake, which is told what to answer).
"""

from ._demo import DemoServer, find_program, start_server
from ._fake import SILENCE, Answer, Call, Failure, FakeServer

__all__ = ["SILENCE", "Answer", "Call", "DemoServer", "Failure", "FakeServer", "find_program", "start_server"]
