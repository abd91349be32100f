"""Python client of Semanas: from a person to an NSS and to a complete work history.

```python
from semanas import Client

with Client("http://127.0.0.1:50051") as client:
    job = client.get_work_history_when_done("GOAA970724HYNNNL08")
    print(len(job.work_history.employments), "employments")
```

`Client` blocks, `AsyncClient` is for asyncio; both do the same. Errors are subclasses of `SemanasError`, one for each thing that a
caller can do. The messages of the contract are in `semanas.v1`, the helpers for tests of your own in `semanas.testing`.
"""

from ._aio_client import AsyncClient
from ._aio_connection import AsyncRaw
from ._aio_watch import AsyncWatch
from ._client import Client
from ._connection import Raw
from ._errors import (
    ERROR_DOMAIN,
    CancelledError,
    ConfigurationError,
    DeadlineExceededError,
    ExhaustedError,
    FailedPreconditionError,
    InternalError,
    InvalidRequestError,
    JobNotSucceededError,
    NotFoundError,
    OtherError,
    OutOfRangeError,
    PermissionDeniedError,
    SemanasError,
    UnauthenticatedError,
    UnavailableError,
    Violation,
)
from ._health import Health
from ._names import enum_name
from ._options import CallAttempt, ConnectionState, Credentials, Hooks, Options, RetryPolicy, WatchOptions
from ._updates import (
    EventUpdate,
    FeedJobUpdate,
    FeedResetUpdate,
    FeedStaleUpdate,
    FeedSyncedUpdate,
    FeedUpdate,
    JobUpdate,
    SnapshotUpdate,
    StaleUpdate,
)
from ._version import __version__
from ._watch import Watch
from .v1 import ChargeState, ErrorReason, JobStage, JobState, Provider, SnapshotCause, WorkHistory, WorkHistoryJob

__all__ = [
    "ERROR_DOMAIN",
    "AsyncClient",
    "AsyncRaw",
    "AsyncWatch",
    "CallAttempt",
    "CancelledError",
    "ChargeState",
    "Client",
    "ConfigurationError",
    "ConnectionState",
    "Credentials",
    "DeadlineExceededError",
    "ErrorReason",
    "EventUpdate",
    "ExhaustedError",
    "FailedPreconditionError",
    "FeedJobUpdate",
    "FeedResetUpdate",
    "FeedStaleUpdate",
    "FeedSyncedUpdate",
    "FeedUpdate",
    "Health",
    "Hooks",
    "InternalError",
    "InvalidRequestError",
    "JobNotSucceededError",
    "JobStage",
    "JobState",
    "JobUpdate",
    "NotFoundError",
    "Options",
    "OtherError",
    "OutOfRangeError",
    "PermissionDeniedError",
    "Provider",
    "Raw",
    "RetryPolicy",
    "SemanasError",
    "SnapshotCause",
    "SnapshotUpdate",
    "StaleUpdate",
    "UnauthenticatedError",
    "UnavailableError",
    "Violation",
    "Watch",
    "WatchOptions",
    "WorkHistory",
    "WorkHistoryJob",
    "__version__",
    "enum_name",
]
