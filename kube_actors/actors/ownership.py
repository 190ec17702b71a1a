"""Owner references in an object's body. Pure."""

from __future__ import annotations

from typing import Any


def set_controller(body: dict[str, Any], owner: dict[str, Any]) -> None:
    """Make `owner` the object's controller."""
    references = body["metadata"].setdefault("ownerReferences", [])
    references[:] = [one for one in references if one["uid"] != owner["uid"]]
    references.append(owner)


def remove_owner(body: dict[str, Any], uid: str) -> None:
    """Take every reference to the owner with this uid away."""
    references = [one for one in body["metadata"].get("ownerReferences", []) if one["uid"] != uid]
    if references:
        body["metadata"]["ownerReferences"] = references
    else:
        body["metadata"].pop("ownerReferences", None)


def unblock_owners(body: dict[str, Any]) -> None:
    """No owner waits any longer for this object to go."""
    for reference in body["metadata"].get("ownerReferences", []):
        if reference.get("blockOwnerDeletion"):
            reference["blockOwnerDeletion"] = False
