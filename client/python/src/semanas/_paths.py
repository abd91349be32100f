"""The names of the RPCs, as they stand in HTTP/2 and in hooks."""

from __future__ import annotations

_WORK_HISTORIES = "/semanas.v1.WorkHistoryService/"
_OPERATIONS = "/semanas.v1.OperationsService/"

LOOKUP_NSS = _WORK_HISTORIES + "LookupNss"
SUBMIT_WORK_HISTORY = _WORK_HISTORIES + "SubmitWorkHistory"
WATCH_WORK_HISTORY = _WORK_HISTORIES + "WatchWorkHistory"
GET_WORK_HISTORY = _WORK_HISTORIES + "GetWorkHistory"
LIST_WORK_HISTORIES = _WORK_HISTORIES + "ListWorkHistories"
CANCEL_WORK_HISTORY = _WORK_HISTORIES + "CancelWorkHistory"
WATCH_WORK_HISTORIES = _WORK_HISTORIES + "WatchWorkHistories"
LIST_CHARGES = _OPERATIONS + "ListCharges"
GET_PROVIDER_STATUS = _OPERATIONS + "GetProviderStatus"
RESOLVE_WORK_HISTORY = _OPERATIONS + "ResolveWorkHistory"
