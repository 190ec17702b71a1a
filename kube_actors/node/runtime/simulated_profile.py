"""How simulated containers behave: settings from cluster.yaml, overridden for one pod by its annotations.

| setting                  | value      | meaning (what holds without it)                                     |
|--------------------------|------------|---------------------------------------------------------------------|
| `start-seconds`          | duration   | from being asked to start until it runs (0)                         |
| `start-error`            | text       | it never starts; this is the reason given                           |
| `start-fail-probability` | 0 to 1     | chance that one start fails (0)                                     |
| `ready-seconds`          | duration   | from running until probes succeed and its ports answer (0)          |
| `hang-seconds`           | duration   | from running until it hangs: probes and connections fail (never)    |
| `run-seconds`            | duration   | from running until it ends by itself with `exit-code` (never)       |
| `exit-code`              | 0 to 255   | how it ends by itself (0)                                           |
| `fail-probability`       | 0 to 1     | chance that one attempt crashes (0)                                 |
| `fail-seconds`           | duration   | from running until such a crash (0)                                 |
| `fail-exit-code`         | 0 to 255   | exit code of such a crash (1)                                       |
| `ignore-sigterm`         | true/false | only SIGKILL ends it (false)                                        |
| `term-seconds`           | duration   | from SIGTERM until it has ended (0)                                 |
| `term-exit-code`         | 0 to 255   | exit code after SIGTERM (143: the signal ended it)                  |
| `memory`                 | quantity   | what it uses once ready; OOM-killed then if that is above its limit |
| `probe-seconds`          | duration   | how long it takes to answer a probe (0)                             |
| `probe-fail-probability` | 0 to 1     | chance that one probe of a healthy container fails (0)              |

A duration is cluster seconds: a number (`2.5`), a range drawn evenly (`1..5`), or a mean drawn exponentially (`~3600`:
a crash "about once an hour"). cluster.yaml spells the names in camelCase (`startSeconds`), under a node's `simulation`,
and for single images under `simulation.images.<image>`. Annotations are `simulation.kube-actors.dev/<setting>` for all
containers of the pod, `<container>.simulation.kube-actors.dev/<setting>` for one of them; the latter win.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import attrs

from kube_actors.api.quantity import Quantity
from kube_actors.records import frozen

ANNOTATION_DOMAIN = "simulation.kube-actors.dev"


@frozen
class Duration:
    """Seconds between `low` and `high`, drawn evenly; with `mean` instead, drawn exponentially."""

    low: float = 0.0
    high: float = 0.0
    mean: float | None = None

    @classmethod
    def parse(cls, value: object) -> Duration:
        """`2.5`, `1..5` or `~3600`; ValueError says what a duration looks like."""
        text = str(value).strip()
        try:
            if text.startswith("~"):
                return cls(mean=_seconds(text[1:]))
            low, dots, high = text.partition("..")
            span = cls(_seconds(low), _seconds(high if dots else low))
        except ValueError:
            how = "write seconds (2.5), a range (1..5) or a mean (~3600)"
            raise ValueError(f"{text!r} is no duration: {how}") from None
        if span.high < span.low:
            raise ValueError(f"{text!r} is an empty range: the second number is the larger one")
        return span

    @property
    def certain(self) -> bool:
        """True when every draw gives the same."""
        return self.mean is None and self.low == self.high

    def draw(self, random: Random) -> float:
        """One outcome, in seconds."""
        if self.mean is not None:
            return random.expovariate(1 / self.mean) if self.mean else 0.0
        return self.low if self.low == self.high else random.uniform(self.low, self.high)


def _seconds(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or number < 0:
        raise ValueError(text)
    return number


def _probability(value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise ValueError(f"{str(value)!r} is no probability: write a number from 0 to 1")
    return number


def _exit_code(value: object) -> int:
    text = str(value).strip()
    if not text.isdecimal() or int(text) > 255:
        raise ValueError(f"{text!r} is no exit code: write a whole number from 0 to 255")
    return int(text)


def _flag(value: object) -> bool:
    text = str(value).strip().lower()
    if text not in ("true", "false"):
        raise ValueError(f"{str(value)!r} is neither true nor false")
    return text == "true"


def _memory(value: object) -> int:
    try:
        return Quantity.parse(str(value)).value
    except ValueError:
        raise ValueError(f"{str(value)!r} is no quantity: write bytes as 100Mi or 1G") from None


@frozen
class SimulationProfile:
    """The settings of the module's table, as one value; None where there is none."""

    start_seconds: Duration = Duration()
    start_error: str = ""
    start_fail_probability: float = 0.0
    ready_seconds: Duration = Duration()
    hang_seconds: Duration | None = None
    run_seconds: Duration | None = None
    exit_code: int = 0
    fail_probability: float = 0.0
    fail_seconds: Duration = Duration()
    fail_exit_code: int = 1
    ignore_sigterm: bool = False
    term_seconds: Duration = Duration()
    term_exit_code: int | None = None
    memory: int | None = None
    probe_seconds: Duration = Duration()
    probe_fail_probability: float = 0.0

    @property
    def certain(self) -> bool:
        """True when nothing of it is left to chance."""
        chances = (self.start_fail_probability, self.fail_probability, self.probe_fail_probability)
        return not any(chances) and all(
            duration is None or duration.certain
            for duration in (
                self.start_seconds,
                self.ready_seconds,
                self.hang_seconds,
                self.run_seconds,
                self.term_seconds,
                self.probe_seconds,
            )
        )

    def with_settings(self, settings: Mapping[str, object]) -> SimulationProfile:
        """This profile with `settings` (kebab-case names) laid over it; ValueError names every wrong one."""
        changes: dict[str, Any] = {}
        wrong: list[str] = []
        for name, value in settings.items():
            parse = _PARSERS.get(name)
            if parse is None:
                wrong.append(f"{name}: no such setting (there are {', '.join(_PARSERS)})")
                continue
            try:
                changes[name.replace("-", "_")] = parse(value)
            except ValueError as error:
                wrong.append(f"{name}: {error}")
        if wrong:
            raise ValueError("; ".join(wrong))
        return attrs.evolve(self, **changes)


_PARSERS: dict[str, Callable[[object], Any]] = {
    "start-seconds": Duration.parse,
    "start-error": str,
    "start-fail-probability": _probability,
    "ready-seconds": Duration.parse,
    "hang-seconds": Duration.parse,
    "run-seconds": Duration.parse,
    "exit-code": _exit_code,
    "fail-probability": _probability,
    "fail-seconds": Duration.parse,
    "fail-exit-code": _exit_code,
    "ignore-sigterm": _flag,
    "term-seconds": Duration.parse,
    "term-exit-code": _exit_code,
    "memory": _memory,
    "probe-seconds": Duration.parse,
    "probe-fail-probability": _probability,
}


@frozen
class SimulationProfiles:
    """A node's profiles: one for every image that has none of its own, and those of single images."""

    default: SimulationProfile = SimulationProfile()
    images: Mapping[str, SimulationProfile] = attrs.field(factory=dict)

    @classmethod
    def from_config(cls, simulation: Mapping[str, Any]) -> SimulationProfiles:
        """Read a node's `simulation` mapping of cluster.yaml; ValueError names every wrong setting."""
        settings = dict(simulation)
        images: Mapping[str, Mapping[str, Any]] = settings.pop("images", {})
        default = SimulationProfile().with_settings(_from_camel_case(settings))
        named = {name: default.with_settings(_from_camel_case(own)) for name, own in images.items()}
        return cls(default, named)

    def of(self, image: str, container: str, annotations: Mapping[str, str]) -> SimulationProfile:
        """What holds for one container, its pod's annotations laid over its image's profile."""
        profile = self.images.get(image, self.default)
        settings: dict[str, object] = {}
        for domain in (ANNOTATION_DOMAIN, f"{container}.{ANNOTATION_DOMAIN}"):
            prefix = f"{domain}/"
            settings.update({k[len(prefix) :]: v for k, v in annotations.items() if k.startswith(prefix)})
        return profile.with_settings(settings) if settings else profile


def _from_camel_case(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`{"startSeconds": 1}` → `{"start-seconds": 1}`."""
    return {"".join(f"-{c.lower()}" if c.isupper() else c for c in name): v for name, v in settings.items()}


@frozen
class Fate:
    """What will become of one attempt, in seconds after it runs. `exit_after` None: it runs until told to stop."""

    start_error: str | None = None
    start_seconds: float = 0.0
    ready_after: float = 0.0
    hang_after: float = math.inf
    exit_after: float | None = None
    exit_code: int = 0
    oom_killed: bool = False

    def healthy(self, age: float) -> bool:
        """Whether it answers at this age."""
        return self.ready_after <= age < self.hang_after


def draw_fate(profile: SimulationProfile, memory_limit: int | None, random: Random) -> Fate:
    """Decide one attempt; every chance is drawn in a fixed order, so one seed gives one fate."""
    start_seconds = profile.start_seconds.draw(random)
    start_fails = _happens(profile.start_fail_probability, random)
    ready_after = profile.ready_seconds.draw(random)
    hang_after = profile.hang_seconds.draw(random) if profile.hang_seconds else math.inf
    crashes = _happens(profile.fail_probability, random)
    ends: list[tuple[float, int, bool]] = []
    if crashes:
        ends.append((profile.fail_seconds.draw(random), profile.fail_exit_code, False))
    if profile.run_seconds is not None:
        ends.append((profile.run_seconds.draw(random), profile.exit_code, False))
    if profile.memory is not None and memory_limit is not None and profile.memory > memory_limit:
        ends.append((ready_after, 137, True))
    start_error = profile.start_error or ("simulated failure to start" if start_fails else None)
    if not ends:
        return Fate(start_error, start_seconds, ready_after, hang_after)
    exit_after, exit_code, oom_killed = min(ends)
    return Fate(start_error, start_seconds, ready_after, hang_after, exit_after, exit_code, oom_killed)


def _happens(probability: float, random: Random) -> bool:
    return probability > 0 and random.random() < probability
