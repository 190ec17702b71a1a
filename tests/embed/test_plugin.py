"""The pytest plugin, used as people use it."""

from __future__ import annotations

from pathlib import Path

import pytest

import kube_actors.testing.reporting
from kube_actors.embed.opening import Wish, prepare

pytest_plugins = "pytester"

SHOP = """\
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: shop}
spec: {nodes: [{name: till, runtime: simulated}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: prices}
"""


def outcome(pytester: pytest.Pytester, **expected: int) -> pytest.RunResult:
    """Run the tests there are, in this process, with the plugin as it is installed.

    pytester forgets what is imported during a run; C extensions do not bear being imported twice, so all of it is
    imported before.
    """
    assert kube_actors.testing.reporting is not None
    prepare(Wish(SHOP))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:randomly", "--strict-markers")
    result.assert_outcomes(**expected)
    return result


def test_a_cluster_is_a_fixture_and_fresh_for_every_test(pytester: pytest.Pytester) -> None:
    """Nothing of one test is there in the next."""
    pytester.makepyfile(
        """
        import pytest
        from kube_actors import ApiError
        from kube_actors.testing.builders import deployment

        @pytest.mark.parametrize("time", [1, 2])
        def test_web(kube_cluster, time):
            with pytest.raises(ApiError):
                kube_cluster.get("deployments", "web")
            kube_cluster.apply(deployment("web", replicas=2))
            kube_cluster.wait("deployment/web", "Available", timeout=120)
            assert len(kube_cluster.get("nodes")) == 2
        """
    )
    outcome(pytester, passed=2)


def test_time_is_in_the_hands_of_the_test(pytester: pytest.Pytester) -> None:
    """A day is lived through at once, and stands still otherwise."""
    pytester.makepyfile(
        """
        def crashed_often(pod):
            containers = pod["status"].get("containerStatuses")
            return bool(containers) and containers[0]["restartCount"] >= 4

        def test_crash_loop(kube_virtual_cluster):
            cluster = kube_virtual_cluster
            start = cluster.clock.now()
            cluster.apply({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "web", "annotations": {"simulation.kube-actors.dev/run-seconds": "1"}},
                "spec": {"containers": [{"name": "web", "image": "app"}]},
            })
            assert cluster.clock.now() == start
            cluster.wait("pod/web", crashed_often, timeout=600)
            assert 70 <= cluster.clock.now() - start < 90
        """
    )
    outcome(pytester, passed=1)


def test_a_marker_says_what_the_cluster_is(pytester: pytest.Pytester) -> None:
    """A file beside the test, a number of nodes, objects."""
    pytester.makefile(".yaml", shop=SHOP)
    pytester.makepyfile(
        """
        import pytest
        from kube_actors.testing.builders import config_map

        @pytest.mark.kube_cluster("shop.yaml", seed=3)
        def test_file(kube_cluster):
            assert (kube_cluster.name, kube_cluster.config.seed) == ("shop", 3)
            assert kube_cluster.get("cm", "prices")

        @pytest.mark.kube_cluster(nodes=3, runtime="simulated")
        def test_nodes(kube_virtual_cluster):
            assert len(kube_virtual_cluster.get("nodes")) == 3

        @pytest.mark.kube_cluster([config_map("a"), "shop.yaml"])
        def test_several(kube_cluster):
            assert kube_cluster.get("cm", "a") and kube_cluster.get("cm", "prices")
        """
    )
    outcome(pytester, passed=3)


def test_an_ini_file_says_it_for_all(pytester: pytest.Pytester) -> None:
    """Its path starts at the ini file; a marker wins."""
    pytester.makefile(".yaml", shop=SHOP)
    pytester.makeini("[pytest]\nkube_cluster_file = shop.yaml\n")
    place = pytester.mkdir("below")
    Path(place, "test_below.py").write_text(
        "import pytest\n"
        "def test_file(kube_cluster):\n    assert kube_cluster.name == 'shop'\n"
        "@pytest.mark.kube_cluster(nodes=1, runtime='simulated')\n"
        "def test_other(kube_cluster):\n    assert kube_cluster.name == 'default'\n"
    )
    outcome(pytester, passed=2)


def test_a_factory_makes_several(pytester: pytest.Pytester) -> None:
    """All of them end with the test."""
    pytester.makepyfile(
        """
        import threading

        def test_two(kube_cluster_factory):
            first = kube_cluster_factory(name="first")
            second = kube_cluster_factory(name="second", virtual=True)
            assert first.name == "first"
            assert second.clock.now() < first.clock.now()

        def test_after():
            assert not [each for each in threading.enumerate() if each.name.startswith("kube-actors")]
        """
    )
    outcome(pytester, passed=2)


def test_a_failure_tells_how_the_cluster_stood(pytester: pytest.Pytester) -> None:
    """Its pods and events are in the report; a test that passes prints nothing."""
    pytester.makepyfile(
        """
        from kube_actors.testing.builders import pod

        def test_fails(kube_virtual_cluster):
            kube_virtual_cluster.apply(pod("web", nodeSelector={"disk": "ssd"}))
            kube_virtual_cluster.wait("pod/web", "Ready", timeout=5)

        def test_passes(kube_virtual_cluster):
            pass
        """
    )
    result = outcome(pytester, failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "*- kube-actors cluster 'default' -*",
            "nodes/node-1: nothing wrong",
            "pods/default/web: Pending; PodScheduled=False Unschedulable: 0/2 nodes are available*",
            "event * Pod web: FailedScheduling: *",
        ]
    )
    assert result.stdout.str().count("kube-actors cluster") == 1


def test_wrong_input_is_an_error_of_the_test(pytester: pytest.Pytester) -> None:
    """With the file and the line."""
    pytester.makefile(".yaml", shop=SHOP.replace("nodes:", "nodez:"))
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.kube_cluster("shop.yaml")
        def test_file(kube_cluster):
            pass
        """
    )
    told = outcome(pytester, errors=1).stdout
    told.fnmatch_lines(['*shop.yaml:4:8 $.spec.nodez: unknown field*did you mean "nodes"*'])


def test_the_plugin_costs_nothing_where_it_is_not_used(pytester: pytest.Pytester) -> None:
    """It is loaded in every test run of every environment it is installed in."""
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            assert "kube_actors.embed.cluster" not in sys.modules and "trio" not in sys.modules
        """
    )
    others = [word for name in ("cacheprovider", "trio", "hypothesispytest", "anyio") for word in ("-p", f"no:{name}")]
    result = pytester.runpytest_subprocess(*others)
    result.assert_outcomes(passed=1)
