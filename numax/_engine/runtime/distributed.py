"""Several processes: one coordination service, a client each, collectives between their devices."""

import threading
from typing import Any

from numax._engine.runtime import client
from numax._engine.runtime.door import user_error, xla

_lock = threading.Lock()
_service: Any = None
_client: Any = None


def initialize(
    coordinator_address: str,
    num_processes: int,
    process_id: int,
    *,
    initialization_timeout: int = 300,
) -> None:
    """Join a computation of several processes. Call it before the first computation.

    Process 0 runs the coordination service at `coordinator_address` ("host:port"); the devices of
    all processes are then one list. CPUs talk through Gloo.
    Units:  initialization_timeout in seconds.
    Raises: RuntimeError if called twice or too late, ValueError if process_id is out of range."""
    global _service, _client
    if not 0 <= process_id < num_processes:
        raise ValueError(
            f"initialize: process_id must be from 0 to {num_processes - 1}; got {process_id}."
        )
    ext = xla().ext
    with _lock:
        if _client is not None:
            raise RuntimeError("initialize: called twice. Call it once in a process.")
        if client.is_made():
            raise RuntimeError(
                "initialize: a client is made already. Call it before the first computation."
            )
        try:
            if process_id == 0:
                _service = ext.get_distributed_runtime_service(coordinator_address, num_processes)
            joined = ext.get_distributed_runtime_client(
                coordinator_address, process_id, init_timeout=initialization_timeout
            )
            joined.connect()
        except xla().Error as error:
            _service = None
            raise user_error(error, "initialize: the processes could not be connected.") from None
        _client = joined
        client.set_client_options(
            distributed_client=joined,
            node_id=process_id,
            num_nodes=num_processes,
            collectives=ext.make_gloo_tcp_collectives(distributed_client=joined),
        )


def is_initialized() -> bool:
    """Whether this process has joined a computation of several."""
    return _client is not None


def shutdown() -> None:
    """Leave the computation; waits for the other processes."""
    global _service, _client
    with _lock:
        leaving, service = _client, _service
        _client = _service = None
        try:
            if leaving is not None:
                leaving.shutdown()
            if service is not None:
                service.shutdown()
        except xla().Error as error:
            raise user_error(error) from None


def coordination_client() -> Any:
    """jaxlib's client of the coordination service (key-value store, barriers), or None."""
    return _client
