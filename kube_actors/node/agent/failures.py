"""A request the agent could not do, in the words the runtime shows for it."""

from __future__ import annotations


class Failure(Exception):
    """`reason` is Kubernetes' word (`CreateContainerError`); the message is for a person."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
