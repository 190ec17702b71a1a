"""The pods of a node: which may run here, what share each has, and the actors that run them."""

from __future__ import annotations

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.node.admission import Share, Tally, rejection_of
from kube_actors.actors.pod.actor import PodActor
from kube_actors.actors.pod.world import PodWorld
from kube_actors.api.quantity import Quantity
from kube_actors.api.views import NodeView, PodView, body_of
from kube_actors.config.types import NodeConfig
from kube_actors.errors import ApiError
from kube_actors.kernel import Context, NameTaken, Ref
from kube_actors.messages.node import NodeMessage
from kube_actors.messages.pod import PodMessage
from kube_actors.node.runtime.base import FoundSandbox
from kube_actors.plan.node_admission import Rejection
from kube_actors.plan.pod_status import rejected_status
from kube_actors.store import Key, Revision

NAME_RETRY = 0.05
"""Cluster seconds until a pod is tried again whose name an earlier one still has here."""


class Residents:
    """Pod actors by uid, children of the Node actor whose `context` this is; and the `tally` of what they may use."""

    def __init__(self, context: Context[NodeMessage], plane: ControlPlane, config: NodeConfig, world: PodWorld) -> None:
        self.actors: dict[str, Ref[PodMessage]] = {}
        self.tally = Tally(
            int(Quantity.parse(config.capacity.get("cpu", "0")).milli),
            int(Quantity.parse(config.capacity.get("memory", "0")).value),
            int(Quantity.parse(config.capacity.get("pods", "0")).value),
        )
        self._context = context
        self._plane = plane
        self._node = config.name
        self._world = world
        self._seen_node: NodeView | None = None
        """What the latest pod was judged by: held, so that it is not structured anew for the next one."""

    def see(self, key: Key, uid: str) -> None:
        """A pod was bound to this node, or changed on it."""
        revision = self._plane.find(key, uid)
        pod = self.actors.get(uid)
        if pod is not None:
            pod.notify(uid)
        elif revision is not None and self._is_new(revision):
            self._take(revision)

    def take_over(self, revision: Revision, found: FoundSandbox | None) -> None:
        """Go on with a pod that was here before; `found` is what the runtime has of it."""
        self._hold_share(revision)
        address = revision.projection.facts.address
        if address and found is not None and self._world.addresses is not None:
            self._world.addresses.restore([address])
        self._start(revision, found)

    def gone(self, uid: str) -> None:
        """Nothing of a pod is left."""
        self.tally.release(uid)
        self._plane.directory.pods.pop(uid, None)
        pod = self.actors.pop(uid, None)
        if pod is not None:
            self._context.stop_child_soon(pod)

    async def drop_all(self) -> None:
        """The machine fails: no pod hears of it."""
        for uid in sorted(self.actors):
            await self._context.stop_child(self.actors.pop(uid))
            self._plane.directory.pods.pop(uid, None)
            self.tally.release(uid)

    def _is_new(self, revision: Revision) -> bool:
        """Whether the pod is this node's to run; one that is over before it began here was rejected."""
        facts = revision.projection.facts
        return facts.node == self._node and not facts.terminal

    def _take(self, revision: Revision) -> None:
        """Run a pod, unless it cannot be run here."""
        node = self._plane.store.get(Key("nodes", "", self._node))
        self._seen_node = None if node is None else node.view
        why = rejection_of(revision, self._seen_node, self.tally, self._plane.clock.now())
        if why is None:
            self._hold_share(revision)
            self._start(revision, None)
        else:
            self._context.start_task(self._reject, revision, why, name=f"reject {revision.key.name}")

    async def _reject(self, revision: Revision, why: Rejection) -> None:
        """Say so in an Event and in its status: the pod has Failed before it began."""
        pod: PodView = revision.view
        self._world.record(pod, "Warning", why.reason, why.message)
        now = self._plane.clock.now()
        status = body_of(rejected_status(pod, why.reason, f"Pod was rejected: {why.message}", now))
        try:
            await self._world.client.mutate(
                revision.key, lambda body: body.update(status=status), subresource="status", uid=revision.uid
            )
        except ApiError as error:
            if error.reason != "NotFound":
                raise

    def _hold_share(self, revision: Revision) -> None:
        facts = revision.projection.facts
        if not facts.terminal:
            cpu, memory = facts.requests
            self.tally.hold(revision.uid, Share(cpu, memory, facts.host_ports))

    def _start(self, revision: Revision, found: FoundSandbox | None) -> None:
        key, uid = revision.key, revision.uid
        first = [found]

        def make() -> PodActor:
            # A restarted actor knows nothing and asks the runtime what runs; the first one was just told.
            return PodActor(self._plane, self._world, self._context.ref, key, uid, first.pop() if first else "ask")

        try:
            self.actors[uid] = self._context.spawn(f"{key.namespace}.{key.name}", make)
        except NameTaken:  # an earlier pod of this name is still ending here
            self._context.notify_at(self._plane.clock.now() + NAME_RETRY, (key, uid))
        else:
            self._plane.directory.pods[uid] = self.actors[uid]
