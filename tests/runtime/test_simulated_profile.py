"""Settings of simulated containers, and the fates drawn from them."""

from __future__ import annotations

from random import Random

import pytest

from kube_actors.node.runtime.simulated_profile import (
    ANNOTATION_DOMAIN,
    Duration,
    Fate,
    SimulationProfile,
    SimulationProfiles,
    draw_fate,
)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("2.5", Duration(2.5, 2.5)),
        (3, Duration(3, 3)),
        ("1..5", Duration(1, 5)),
        ("~60", Duration(mean=60)),
        ("0", Duration()),
    ],
)
def test_durations(text: object, duration: Duration) -> None:
    """A number, a range, or a mean."""
    assert Duration.parse(text) == duration


@pytest.mark.parametrize("text", ["", "soon", "-1", "5..1", "1..", "~", "nan", "inf", "1s"])
def test_wrong_durations(text: str) -> None:
    """Whatever else is refused, with the text quoted."""
    with pytest.raises(ValueError, match=r"is no duration|is an empty range"):
        Duration.parse(text)


def test_draws_stay_in_their_range_and_have_their_mean() -> None:
    """A range is even, a mean is exponential."""
    random = Random(1)
    even = [Duration(1, 5).draw(random) for _ in range(2000)]
    assert 1 <= min(even) < 1.1
    assert 4.9 < max(even) <= 5
    rare = [Duration(mean=60).draw(random) for _ in range(5000)]
    assert 55 < sum(rare) / len(rare) < 65


def test_annotations_override_images_override_nodes() -> None:
    """The container's own annotation wins over the pod's, that over the image's profile, that over the node's."""
    profiles = SimulationProfiles.from_config(
        {"startSeconds": 1, "exitCode": 9, "images": {"job": {"runSeconds": "2..4", "startSeconds": 2}}}
    )
    plain = profiles.of("web", "main", {})
    assert (plain.start_seconds, plain.run_seconds, plain.exit_code) == (Duration(1, 1), None, 9)
    annotations = {
        f"{ANNOTATION_DOMAIN}/exit-code": "3",
        f"{ANNOTATION_DOMAIN}/ignore-sigterm": "true",
        f"main.{ANNOTATION_DOMAIN}/exit-code": "4",
        f"other.{ANNOTATION_DOMAIN}/exit-code": "5",
        "example.com/exit-code": "6",
    }
    job = profiles.of("job", "main", annotations)
    assert job == SimulationProfile(
        start_seconds=Duration(2, 2), run_seconds=Duration(2, 4), exit_code=4, ignore_sigterm=True
    )


def test_every_wrong_setting_is_named() -> None:
    """Unknown names and wrong values at once."""
    settings = {
        "exit-cod": "1",
        "exit-code": "256",
        "fail-probability": "2",
        "ignore-sigterm": "maybe",
        "memory": "much",
        "run-seconds": "x",
    }
    with pytest.raises(ValueError, match="exit-cod: no such setting") as caught:
        SimulationProfile().with_settings(settings)
    for part in ("'256' is no exit code", "'2' is no probability", "'maybe' is neither", "'much' is no quantity"):
        assert part in str(caught.value)


def test_certain_fates() -> None:
    """Without chances there is one fate, whatever the random numbers."""
    profile = SimulationProfile(run_seconds=Duration(5, 5), exit_code=2, ready_seconds=Duration(1, 1))
    assert draw_fate(profile, None, Random(1)) == Fate(ready_after=1, exit_after=5, exit_code=2)
    assert profile.certain
    assert not SimulationProfile(run_seconds=Duration(1, 2)).certain
    assert not SimulationProfile(fail_probability=0.5).certain


def test_the_first_end_counts() -> None:
    """A crash, the end of the work and the memory limit compete."""
    profile = SimulationProfile(
        run_seconds=Duration(9, 9), fail_probability=1, fail_seconds=Duration(4, 4), fail_exit_code=7, memory=100
    )
    assert draw_fate(profile, None, Random(1)) == Fate(exit_after=4, exit_code=7)
    assert draw_fate(profile, 100, Random(1)) == Fate(exit_after=4, exit_code=7)
    assert draw_fate(profile, 99, Random(1)) == Fate(exit_after=0, exit_code=137, oom_killed=True)


def test_chances_are_as_likely_as_they_say() -> None:
    """About a third of the starts fail where the profile says so."""
    profile = SimulationProfile(start_fail_probability=0.33)
    random = Random(3)
    failed = sum(draw_fate(profile, None, random).start_error is not None for _ in range(3000))
    assert 900 < failed < 1080
