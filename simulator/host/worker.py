"""Microsoft's own Python worker library, driven without the wire it is usually behind.

Takes an app's directory and gives its functions, then invokes them. `azure-functions-runtime` asks
for protobuf classes by name and only ever fills and reads their attributes, so plain namespaces do;
indexing, decoding and the thread pool are the library's own, as they are in Azure.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime  # type: ignore[import-untyped]
from azure_functions_runtime.bindings.datumdef import Datum  # type: ignore[import-untyped]
from azure_functions_runtime.native_invocation import (  # type: ignore[import-untyped]
    invocation_request_native,
)


class AppError(Exception):
    """The app cannot be loaded; the text is the worker's own, traceback included."""


@dataclass(frozen=True)
class Function:
    """An indexed function and its trigger's binding, as function.json would say it.

    A function without a trigger has an empty one; `retries` is whether it has a retry policy.
    """

    name: str
    id: str
    trigger: Mapping[str, Any]
    bindings: tuple[Mapping[str, Any], ...]
    script_file: str
    retries: bool = False

    @property
    def kind(self) -> str:
        """The trigger's type: eventGridTrigger, timerTrigger .."""
        return str(self.trigger["type"])


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended; `exception` is its repr, `trace` its traceback."""

    ok: bool
    exception: str | None = None
    trace: str | None = None


class BindingInfo(SimpleNamespace):
    """A message whose enums the library reads off the class: directions, and data types."""

    out, inout = 1, 2
    undefined, string, binary, stream = 0, 1, 2, 3


class StatusResult(SimpleNamespace):
    """Another, with how a request to the worker ended."""

    Success = "Success"
    Failure = "Failure"


PROTOS = SimpleNamespace(
    BindingInfo=BindingInfo,
    FunctionMetadataResponse=SimpleNamespace,
    RpcException=SimpleNamespace,
    RpcFunctionMetadata=SimpleNamespace,
    RpcRetryOptions=SimpleNamespace,
    StatusResult=StatusResult,
    WorkerInitResponse=SimpleNamespace,
    WorkerMetadata=SimpleNamespace,
)


async def load(app: Path) -> list[Function]:
    """Index the app's functions, once a process; AppError when it cannot be imported."""
    os.chdir(app)
    sys.path.insert(0, str(app))
    runtime.start_threadpool_executor()
    await _initialise(app)
    answer = await runtime.functions_metadata_request(None)
    return [_function(metadata) for metadata in answer.function_metadata_results or ()]


async def _initialise(app: Path) -> None:
    init = SimpleNamespace(capabilities={}, function_app_directory=str(app))
    response = await runtime.worker_init_request(
        SimpleNamespace(
            request=SimpleNamespace(worker_init_request=init),
            properties={"host": "127.0.0.1", "protos": PROTOS},
        )
    )
    if response.result.status != StatusResult.Success:
        failure = response.result.exception
        msg = f"Result: Failure\nException: {failure.message}\nStack: {failure.stack_trace}"
        raise AppError(msg)


def _function(metadata: Any) -> Function:  # noqa: ANN401 - the library's own untyped message
    bindings = tuple(json.loads(raw) for raw in metadata.raw_bindings)
    triggers = (b for b in bindings if str(b["type"]).lower().endswith("trigger"))
    trigger = next(triggers, {"name": "", "type": ""})
    return Function(
        metadata.name,
        metadata.function_id,
        trigger,
        bindings,
        metadata.script_file,
        metadata.retry_options is not None,
    )


async def invoke(function: Function, invocation_id: str, trigger_value: str) -> Outcome:
    """Run the function once with its trigger's JSON; its errors come back as the outcome."""
    inputs = [(function.trigger["name"], Datum(trigger_value, "json"))]
    ok, _, _, exception, trace = await invocation_request_native(
        invocation_id, function.id, inputs, {}
    )
    return Outcome(ok, exception, trace)


def stop() -> None:
    """Wait for what the thread pool still does, and end it."""
    runtime.stop_threadpool_executor()
