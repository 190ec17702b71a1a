"""Which selectors match an object's labels, without trying every one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class SelectorIndex:
    """Equality selectors by namespace, found through one of their pairs: an object only meets those it may match."""

    def __init__(self) -> None:
        self._selectors: dict[str, tuple[str, Mapping[str, str]]] = {}
        self._by_pair: dict[tuple[str, str, str], set[str]] = {}

    def set(self, uid: str, namespace: str, selector: Mapping[str, str]) -> None:
        """Put the selector in place of what this uid had. An empty one matches nothing."""
        known = self._selectors.get(uid)
        if known == (namespace, selector):
            return
        self.remove(uid)
        if selector:
            self._selectors[uid] = (namespace, dict(selector))
            self._by_pair.setdefault(self._pair(namespace, selector), set()).add(uid)

    def remove(self, uid: str) -> None:
        """The selector is gone; an unknown one is no error."""
        known = self._selectors.pop(uid, None)
        if known is not None:
            pair = self._pair(*known)
            self._by_pair[pair].discard(uid)
            if not self._by_pair[pair]:
                del self._by_pair[pair]

    def matching(self, namespace: str, labels: Mapping[str, str]) -> Iterator[str]:
        """The uids whose selector matches an object of this namespace with these labels, sorted."""
        found = set()
        for key, value in labels.items():
            for uid in self._by_pair.get((namespace, key, value), ()):
                if self._selectors[uid][1].items() <= labels.items():
                    found.add(uid)
        return iter(sorted(found))

    @staticmethod
    def _pair(namespace: str, selector: Mapping[str, str]) -> tuple[str, str, str]:
        # Any pair would do; the last in order is often the most telling (`app.kubernetes.io/name` before `tier`).
        key = max(selector)
        return namespace, key, selector[key]
