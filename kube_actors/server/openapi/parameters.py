"""Parameters of requests: what may stand in the path and behind the `?`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from kube_actors.records import frozen


@frozen
class Parameter:
    """A parameter of the query, or of the path (those are required)."""

    name: str
    description: str
    type: Literal["string", "integer", "boolean"] = "string"
    place: Literal["query", "path"] = "query"


PRETTY: Final = Parameter("pretty", "Whether the answer is to be indented for people.")
PATH: Final[Mapping[str, Parameter]] = {
    "name": Parameter("name", "The name of the object.", place="path"),
    "namespace": Parameter("namespace", "The namespace of the object.", place="path"),
    "path": Parameter("path", "The path to ask for behind the proxy.", place="path"),
}

_DRY_RUN: Final = Parameter("dryRun", "`All`: do everything but keep the change.")
_MANAGER: Final = Parameter("fieldManager", "Who is to own the fields that are set, in at most 128 characters.")
_VALIDATION: Final = Parameter(
    "fieldValidation",
    "What to do about unknown and duplicate fields: `Ignore` them, `Warn` of them, or refuse them (`Strict`).",
)
_FORCE: Final = Parameter("force", "For server-side apply: take fields over that others own.", "boolean")
_SELECTING: Final = (
    Parameter("labelSelector", "Narrows the list of returned objects by their labels; all without it."),
    Parameter("fieldSelector", "Narrows the list of returned objects by their fields; all without it."),
)
_VERSIONED: Final = (
    Parameter("resourceVersion", "How new the answer must be."),
    Parameter("resourceVersionMatch", "How resourceVersion is meant: `Exact` or `NotOlderThan`."),
    Parameter("timeoutSeconds", "How long the request may take, in seconds.", "integer"),
    Parameter("limit", "How many objects to answer with at most.", "integer"),
    Parameter("continue", "Where to go on, from the answer before."),
    Parameter("sendInitialEvents", "Begin a watch with the objects that are there already.", "boolean"),
)
_WATCHING: Final = (
    Parameter("watch", "Watch for changes to the described resources: answer with them as they happen.", "boolean"),
    Parameter("allowWatchBookmarks", "Tell now and then how far the watch has come.", "boolean"),
)

LIST: Final = (*_SELECTING, *_WATCHING, *_VERSIONED)
CREATE: Final = (_DRY_RUN, _MANAGER, _VALIDATION)
PATCH: Final = (_DRY_RUN, _MANAGER, _VALIDATION, _FORCE)
DELETE: Final = (
    _DRY_RUN,
    Parameter("gracePeriodSeconds", "How long the object may take to end, in seconds; 0: no time at all.", "integer"),
    Parameter(
        "ignoreStoreReadErrorWithClusterBreakingPotential",
        "Delete even what can no longer be read from the store.",
        "boolean",
    ),
    Parameter("orphanDependents", "Deprecated: use propagationPolicy.", "boolean"),
    Parameter("propagationPolicy", "What becomes of dependents: `Orphan`, `Background` or `Foreground`."),
)
DELETE_COLLECTION: Final = (*DELETE, *_SELECTING, *_VERSIONED)
LOG: Final = (
    Parameter("container", "Whose log; may be left out when there is one container."),
    Parameter("follow", "Go on with new lines as they come.", "boolean"),
    Parameter("insecureSkipTLSVerifyBackend", "Accept any certificate of the node.", "boolean"),
    Parameter("limitBytes", "How many bytes to answer with at most.", "integer"),
    Parameter("previous", "The log of the container before it was restarted.", "boolean"),
    Parameter("sinceSeconds", "Only lines of the last so many seconds.", "integer"),
    Parameter("stream", "`All`, `Stdout` or `Stderr`."),
    Parameter("tailLines", "Only so many lines from the end.", "integer"),
    Parameter("timestamps", "Begin each line with its time.", "boolean"),
)
_STREAMS: Final = (
    Parameter("container", "Which container; may be left out when there is one."),
    Parameter("stdin", "Connect the standard input.", "boolean"),
    Parameter("stdout", "Connect the standard output.", "boolean"),
    Parameter("stderr", "Connect the standard error.", "boolean"),
    Parameter("tty", "Give the command a terminal.", "boolean"),
)
CONNECT: Final[Mapping[str, tuple[Parameter, ...]]] = {
    "attach": _STREAMS,
    "exec": (Parameter("command", "The command; given once for each of its words."), *_STREAMS),
    "portforward": (Parameter("ports", "The ports to forward.", "integer"),),
    "proxy": (Parameter("path", "The path to ask for behind the proxy."),),
}
