"""Tokens out of a file, as `kube-apiserver --token-auth-file` reads it: `TOKEN,user,uid,"group1,group2"`."""

from __future__ import annotations

import csv
import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path

import attrs

from kube_actors.access.user import User, authenticated
from kube_actors.errors import InputError, Problem
from kube_actors.log import Log
from kube_actors.records import frozen

log = Log(__name__)


@frozen
class StaticTokens:
    """Users by the SHA-256 of their token: finding one tells nothing of the others by the time it takes."""

    users: Mapping[bytes, User] = attrs.field(factory=dict, repr=False)

    @classmethod
    def read(cls, path: Path) -> StaticTokens:
        """Read the file. InputError with every line that has fewer than three columns, or when it cannot be read."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "is not UTF-8"
            raise InputError([Problem(f"the file of tokens cannot be read: {why}", file=str(path))]) from None
        users: dict[bytes, User] = {}
        problems = []
        rows = csv.reader(text.splitlines(), skipinitialspace=True)
        for row in rows:
            if not row:
                continue
            if len(row) < 3:
                wanted = 'TOKEN,user,uid,"group1,group2"'
                problems.append(Problem("fewer than three columns", file=str(path), line=rows.line_num, hint=wanted))
            elif not row[0] or _digest(row[0]) in users:
                why = "empty" if not row[0] else "there twice; the last one counts"
                log.warning(f"a token is {why}", file=str(path), line=rows.line_num)
            if len(row) >= 3 and row[0]:
                users[_digest(row[0])] = _user(row)
        if problems:
            raise InputError(problems)
        return cls(users)

    def user_of(self, token: str) -> User | None:
        """The user whose token this is."""
        wanted = _digest(token)
        for known, user in self.users.items():
            if hmac.compare_digest(known, wanted):
                return user
        return None


def _user(row: list[str]) -> User:
    groups = tuple(group.strip() for group in row[3].split(",")) if len(row) > 3 and row[3] else ()
    return authenticated(User(row[1], groups, row[2]))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
