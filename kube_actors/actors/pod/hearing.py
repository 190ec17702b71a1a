"""Taking in what happened to a pod: each fact changes what is known, and some are told in Events."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from kube_actors.actors.pod import facts
from kube_actors.actors.pod.known import Known
from kube_actors.actors.pod.performing import Performing
from kube_actors.actors.pod.probes import ProbeKey
from kube_actors.actors.pod.reporting import exit_of
from kube_actors.actors.pod.words import RESIZE_RESTARTS, probe_words
from kube_actors.actors.pod.work import PodWork
from kube_actors.messages import pod as messages
from kube_actors.node.runtime.base import ContainerId, FoundSandbox
from kube_actors.node.runtime.handlers import ProbeOutcome
from kube_actors.plan import pod_lifecycle as steps
from kube_actors.plan.backoff import doubled
from kube_actors.plan.observed import Sandbox, SandboxState, Stage
from kube_actors.plan.probes import ProbeKind, Verdict

FIRST_SANDBOX_RETRY = 0.5
"""Seconds before a failed sandbox or volume is tried again; doubled each time, as a kubelet does for mounts."""
LONGEST_SANDBOX_RETRY = 122.0


class Hearing:
    """The ears of a Pod actor: a method for each fact, none of which waits for anything."""

    def __init__(self, known: Known, work: PodWork, performing: Performing, now: Callable[[], float]) -> None:
        self._known = known
        self._work = work
        self._performing = performing
        self._now = now
        self._early_ends: dict[ContainerId, messages.ContainerEnded] = {}
        self._sandbox_failures = 0

    # -- containers

    def container_started(self, fact: messages.ContainerStarted) -> None:
        """An attempt runs."""
        id = fact.started.id
        if (observed := self._known.latest(id, Stage.STARTING)) is not None:
            self._hear(facts.started(self._known.container(id.name), observed, fact), id.name)
        if (end := self._early_ends.pop(id, None)) is not None:
            self.container_ended(end)

    def container_failed(self, fact: messages.ContainerFailed) -> None:
        """An attempt could not be started."""
        name = fact.container.name
        self._early_ends.pop(fact.container, None)
        if (observed := self._known.latest(fact.container, Stage.STARTING)) is not None:
            self._hear(facts.failed(self._known.container(name), observed, fact, self._now()), name)

    def container_ended(self, fact: messages.ContainerEnded) -> None:
        """An attempt ended. Its start may be told later than its end: then the end waits for it."""
        observed = self._known.latest(fact.exit.id)
        if observed is None or not observed.alive:
            return
        if observed.stage is Stage.STARTING:
            self._early_ends[fact.exit.id] = fact
            return
        exit = exit_of(fact.exit, observed, self._work.last_words(fact.exit))
        self._known.put(observed.exited(exit))
        if self._known.state.ending is None and exit.exit_code != 0 and observed.backoff is not None:
            self._work.say_back_off(observed.name)

    def container_resized(self, fact: messages.ContainerResized) -> None:
        """A change of resources is done, or could not be made; one that takes a new start begins with a stop."""
        observed = self._known.latest(fact.container, Stage.RUNNING)
        if observed is None:
            return
        self._hear(facts.resized(observed, fact, self._now()), "")
        if fact.restart:
            due = self._now() + self._known.pod.spec.termination_grace_period_seconds
            text = RESIZE_RESTARTS.format(observed.name)
            stop = steps.StopContainer(observed.name, observed.attempt, due, "Killing", text, restart=True)
            self._performing.stop(stop)

    def hook_ended(self, fact: messages.HookEnded) -> None:
        """PostStart has ended."""
        if (observed := self._known.latest(fact.container, Stage.RUNNING)) is not None:
            self._hear(facts.hooked(observed, fact), observed.name)

    def stop_signal_sent(self, id: ContainerId) -> None:
        """PreStop is over, and the container was told to stop."""
        observed, ending = self._known.latest(id), self._known.state.ending
        if observed is not None and observed.alive and ending is not None:
            self._performing.stopping.signal_sent(self._known.container(id.name), ending.grace_seconds)

    def probe_ended(self, fact: messages.ProbeEnded) -> None:
        """A probe has been made."""
        id, kind, result = fact.container, fact.kind, fact.result
        observed = self._known.latest(id, Stage.RUNNING)
        if observed is None:
            return
        passed = None if result.outcome is ProbeOutcome.UNKNOWN else result.succeeded
        verdict = self._performing.probes.observe(ProbeKey(id.name, kind), id.attempt, passed, self._now())
        if self._known.state.ending is None and (words := probe_words(kind, result)) is not None:
            self._work.say(words.type, words.reason, words.message, id.name)
        if verdict is not None:
            self._known.put(observed.judged(kind, verdict))
        elif kind is ProbeKind.READINESS and observed.readiness is Verdict.UNKNOWN:
            self._known.put(observed.judged(kind, Verdict.FAILURE))

    # -- the sandbox

    def sandbox_created(self, address: str | None) -> None:
        """The pod's world is there."""
        self._sandbox_failures = 0
        address = address or self._work.world.place.host_ip
        self._known.state = self._known.state.with_sandbox(SandboxState.READY, address)

    def sandbox_failed(self, reason: str, text: str) -> None:
        """It could not be made; it is tried again, later each time."""
        delay = doubled(FIRST_SANDBOX_RETRY, LONGEST_SANDBOX_RETRY, self._sandbox_failures)
        self._sandbox_failures += 1
        attempt, retry_at = self._known.state.sandbox.attempt - 1, self._now() + delay
        sandbox = Sandbox(SandboxState.ABSENT, attempt, retry_at=retry_at)
        self._known.state = attrs.evolve(self._known.state, sandbox=sandbox)
        self._work.release_address()
        self._work.say("Warning", reason, text)

    def sandbox_removed(self) -> None:
        """Nothing of it is left."""
        self._known.state = self._known.state.without_sandbox(self._now())

    def sandbox_found(self, found: FoundSandbox | None) -> None:
        """The runtime is back: what ended meanwhile was reported by it; a pod that is gone altogether begins anew."""
        if found is None and self._known.state.sandbox.state is SandboxState.READY:
            self._work.release_address()
            self.sandbox_removed()
            self._work.say("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")

    def _hear(self, heard: facts.Heard, container: str) -> None:
        self._known.put(heard.observed)
        for word in heard.words:
            self._work.say(word.type, word.reason, word.message, container)
