"""What a Pod actor knows: the object as it last saw it, and what it has observed of the pod on its node."""

from __future__ import annotations

import attrs

from kube_actors.api.views.containers import Container
from kube_actors.api.views.pods import PodView
from kube_actors.node.runtime.base import ContainerId
from kube_actors.plan.observed import Observed, PodState, Stage
from kube_actors.records import define
from kube_actors.store import Revision


@define
class Known:
    """`revision` and its view `pod`, and the `state` the plan goes by."""

    revision: Revision
    pod: PodView
    state: PodState

    @property
    def containers(self) -> tuple[Container, ...]:
        """Every container of the pod, those to look for errors with included."""
        return (*self.pod.spec.init_containers, *self.pod.spec.containers, *self.pod.spec.debug_containers)

    def container(self, name: str) -> Container:
        """A container of the pod, as it is to be."""
        return next(one for one in self.containers if one.name == name)

    def observed(self, name: str) -> Observed | None:
        """What is known of its latest attempt; None before there was one."""
        return self.state.observed.get(name)

    def latest(self, id: ContainerId, stage: Stage | None = None) -> Observed | None:
        """The attempt a fact is about, if there was none after it and (`stage`) it got just that far."""
        observed = self.observed(id.name)
        if observed is None or observed.attempt != id.attempt or stage not in (None, observed.stage):
            return None
        return observed

    def put(self, observed: Observed) -> None:
        """From now on this is known of a container."""
        self.state = attrs.evolve(self.state, observed={**self.state.observed, observed.name: observed})
