"""ServiceAccounts: nothing beyond the schema."""

from __future__ import annotations

from kube_actors.kinds.hooks import Hooks

HOOKS = Hooks()
