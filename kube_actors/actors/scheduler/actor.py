"""The Scheduler actor: takes pods from its queue, chooses a node, asks the node, and writes the binding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from kube_actors.actors.control_plane import ControlPlane, reference_to
from kube_actors.actors.scheduler.placed_pods import may_count_otherwise, recounted
from kube_actors.actors.scheduler.queue import SchedulingQueue, Waiting
from kube_actors.actors.scheduler.storage_changes import STORAGE, StoredBodies, is_worth_a_try, waits_for
from kube_actors.api.conditions import set_pod_condition
from kube_actors.api.times import rfc3339
from kube_actors.api.views import PodView
from kube_actors.api.views.cluster import Taint
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor, ActorStopped, AskTimeout, MailboxFull
from kube_actors.messages.common import Describe, Description
from kube_actors.messages.node import Admission, AdmitPod, Admitted, Refused
from kube_actors.plan.scheduling import Chosen, Cluster, Framework, PodSummary, Unschedulable, choose_node
from kube_actors.plan.scheduling.node_rules import REPELLING, tolerated
from kube_actors.store import Commit, Key, Revision
from kube_actors.writes import Client, Identity

ADMIT_DEADLINE = 5.0
PODS_PER_LOOK = 64
WAKE = "wake"


class SchedulerActor(Actor[Describe]):
    """Serves the pods that name it in `schedulerName`. Keys of its latch: objects as (key, uid), and WAKE."""

    def __init__(self, plane: ControlPlane, name: str, framework: Framework) -> None:
        self.plane = plane
        self.name = name
        self.framework = framework
        user = f"system:{name.replace('default-scheduler', 'kube-scheduler')}"
        self.client: Client = plane.client_for(Identity(user, ("system:authenticated",), "kube-scheduler"))
        self.events = plane.events(name)
        self.cluster = Cluster(StoredBodies(plane.store))
        self.queue = SchedulingQueue()
        self.next_start = 0
        self.unsubscribe: tuple[Callable[[], None], ...] = ()

    # -- what there is

    async def started(self) -> None:
        """Learn the nodes, the pods on them, and the pods that wait."""
        store = self.plane.store
        self.unsubscribe = (
            store.subscribe(self._committed, "pods", "nodes", "namespaces"),
            store.subscribe(self._storage_committed, *STORAGE),
        )
        for node in store.list("nodes"):
            self.cluster.set_node(node.view)
        for namespace in store.list("namespaces"):
            self.cluster.namespace_labels[namespace.key.name] = namespace.projection.labels
        for pod in store.list("pods"):
            self._learn(pod)
        self.context.ref.notify(WAKE)

    async def stopped(self) -> None:
        """Stop watching."""
        for unsubscribe in self.unsubscribe:
            unsubscribe()

    def _committed(self, commit: Commit) -> None:
        revision, previous = commit.revision, commit.previous
        resource = revision.key.resource
        if resource == "pods":
            if self._concerns(commit):
                self.context.ref.notify((revision.key, revision.uid))
        elif resource == "nodes" or (
            resource == "namespaces" and (previous is None or previous.projection.labels != revision.projection.labels)
        ):
            self.context.ref.notify((revision.key, revision.uid))

    def _storage_committed(self, commit: Commit) -> None:
        """Claims, volumes and what is said of them matter to pods that were refused for lack of them."""
        if self.queue.parked and is_worth_a_try(commit):
            self.context.ref.notify((commit.key, commit.revision.uid))

    def _concerns(self, commit: Commit) -> bool:
        """Pods that wait for this scheduler, and pods that begin or cease to take room on a node."""
        now, before = commit.revision.projection, commit.previous.projection if commit.previous is not None else None
        if not now.facts.node:
            # A status write (our own, saying why there is no node) is no reason to try again.
            same = before is not None and not may_count_otherwise(now, before)
            return now.facts.scheduler_name == self.name and (commit.kind == "deleted" or not same)
        if commit.kind == "deleted" or before is None or not before.facts.node:
            return True
        return bool(now.facts.terminal and not before.facts.terminal) or may_count_otherwise(now, before)

    def _learn(self, pod: Revision) -> None:
        """Take a pod into the queue or onto its node."""
        facts, projection = pod.projection.facts, pod.projection
        if facts.terminal:
            self.queue.remove(pod.uid)
            self._make_room(pod.uid)
        elif facts.node:
            self.queue.remove(pod.uid)
            if facts.node in self.cluster.nodes:
                self._learn_placed(pod, facts.node)
        elif facts.scheduler_name == self.name:
            if projection.deleting is not None:
                self.queue.remove(pod.uid)
            else:
                self.queue.add(pod.key, pod.uid, facts.priority)

    def _learn_placed(self, pod: Revision, node: str) -> None:
        """A pod that is bound: new there, or counted anew after its requests, labels or deletion."""
        known = self.cluster.nodes[node].pods.get(pod.uid)
        if known is None:
            self.cluster.place(PodSummary.of(pod.view, placed=True), node)
        elif (summary := recounted(known, pod)) is not None:
            self.cluster.place(summary, node)
            self.queue.cluster_changed(_needs_room)

    def _make_room(self, uid: str) -> None:
        self.cluster.forget(uid)
        self.queue.cluster_changed(_needs_room)

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        facts = (("scheduler", self.name), ("waiting", str(len(self.queue))), ("unschedulable", str(self.queue.parked)))
        self.context.answer(message, Description((*facts, ("nodes", str(len(self.cluster.nodes))))))

    async def changed(self, keys: frozenset[Any]) -> None:
        """Learn what changed, then place pods."""
        for key in keys:
            if isinstance(key, tuple):
                self._look_at(*key)
        await self._place_some()

    def _look_at(self, key: Key, uid: str) -> None:
        revision = self.plane.store.get(key)
        match key.resource:
            case "nodes":
                if revision is None:
                    self.cluster.remove_node(key.name)
                    self.queue.cluster_changed()
                else:
                    self._learn_node(revision)
            case "namespaces" if revision is not None:
                self.cluster.namespace_labels[key.name] = revision.projection.labels
            case "pods":
                if revision is None or revision.uid != uid:
                    self.queue.remove(uid)
                    self._make_room(uid)
                if revision is not None:
                    self._learn(revision)
            case _:
                self.queue.cluster_changed(lambda pod: self._waits_for(pod, key), at_once=True)

    def _waits_for(self, waiting: Waiting, key: Key) -> bool:
        pod = self.plane.find(waiting.key, waiting.uid)
        return pod is not None and waits_for(pod, key)

    def _learn_node(self, node: Revision) -> None:
        """A node helps those who put up with its taints: one that is new and not ready yet hardly anybody."""
        fresh, view = node.key.name not in self.cluster.nodes, node.view
        if not self.cluster.set_node(view):
            return
        if fresh:
            for pod in self.plane.store.on_node(node.key.name):
                self._learn(pod)
        taints = [taint for taint in view.spec.taints if taint.effect in REPELLING]
        self.queue.cluster_changed(lambda pod: not taints or self._puts_up_with(pod, taints))

    def _puts_up_with(self, waiting: Waiting, taints: list[Taint]) -> bool:
        pod = self.plane.find(waiting.key, waiting.uid)
        return pod is not None and all(tolerated(pod.view.spec.tolerations, taint) for taint in taints)

    # -- placing

    async def _place_some(self) -> None:
        """A bounded number of pods, then let whatever changed meanwhile be learnt first."""
        for _ in range(PODS_PER_LOOK):
            pod = self.queue.next(self.plane.clock.now())
            if pod is None:
                break
            await self._place(pod)
            await trio.lowlevel.checkpoint()
        else:
            self.context.ref.notify(WAKE)
        wake_at = self.queue.wake_at()
        if wake_at is not None:
            self.context.notify_at(wake_at, WAKE)

    async def _place(self, waiting: Waiting) -> None:
        revision = self.plane.find(waiting.key, waiting.uid)
        if revision is None or revision.projection.facts.node or revision.projection.deleting is not None:
            self.queue.remove(waiting.uid)
            return
        view: PodView = revision.view
        if view.spec.scheduling_gates:  # which its condition says since it was made
            self.queue.gate(waiting)
            return
        pod = PodSummary.of(view)
        rank = self.context.random.getrandbits(32)
        outcome = choose_node(self.framework, pod, self.cluster, start=self.next_start, rank=rank)
        match outcome:
            case Chosen(node, next_start=next_start):
                self.next_start = next_start
                await self._bind(waiting, revision, pod, node)
            case Unschedulable(message, everywhere):
                self._say(revision, "Warning", "FailedScheduling", message)
                self.queue.park(waiting, self.plane.clock.now(), needs_room=not everywhere)
                await self._say_unschedulable(waiting, message)

    async def _bind(self, waiting: Waiting, revision: Revision, pod: PodSummary, node: str) -> None:
        """The node may still refuse; once it holds the share for the pod, the binding is written."""
        admission = await self._ask_node(revision, node)
        if isinstance(admission, Refused):
            self._say(revision, "Warning", "FailedScheduling", f"{node}: {admission.reason}: {admission.message}")
            self.queue.retry(waiting, self.plane.clock.now())
            return
        try:
            await self.client.bind(waiting.key, node, uid=waiting.uid)
        except ApiError as error:
            if error.reason not in ("NotFound", "Conflict"):
                raise
            self.queue.remove(waiting.uid)
            return
        self.queue.remove(waiting.uid)
        self.cluster.place(pod, node)
        key = waiting.key
        self._say(revision, "Normal", "Scheduled", f"Successfully assigned {key.namespace}/{key.name} to {node}")

    async def _ask_node(self, revision: Revision, name: str) -> Admission:
        node = self.plane.directory.nodes.get(name)
        if node is None:  # a Node object nobody stands behind: bind, and the pod waits there
            return Admitted()
        facts = revision.projection.facts
        cpu, memory = facts.requests
        try:
            return await node.ask(AdmitPod(revision.uid, cpu, memory, facts.host_ports), deadline=ADMIT_DEADLINE)
        except (AskTimeout, ActorStopped, MailboxFull) as error:
            return Refused("NodeNotAnswering", str(error))

    async def _say_unschedulable(self, waiting: Waiting, message: str) -> None:
        stamp = rfc3339(self.plane.clock.now())

        def change(body: dict[str, Any]) -> None:
            set_pod_condition(body, "PodScheduled", "False", stamp, reason="Unschedulable", message=message)

        try:
            await self.client.mutate(waiting.key, change, subresource="status", uid=waiting.uid)
        except ApiError as error:
            if error.reason not in ("NotFound", "Conflict"):
                raise

    def _say(self, pod: Revision, type: str, reason: str, message: str) -> None:
        self.events.record(reference_to(pod, kind="Pod", api_version="v1"), type, reason, message)


def _needs_room(pod: Waiting) -> bool:
    return pod.needs_room
