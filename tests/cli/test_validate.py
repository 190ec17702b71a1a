"""`kube-actors validate`."""

from __future__ import annotations

from .running import Place

GOOD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
STRAY = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {a: b}, ports: [{port: 80}]}\n"
DANGLING = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n"


def test_good_files(place: Place) -> None:
    """Say how much there is, with status 0."""
    done = place.call("validate", place.file(GOOD))
    assert (done.returncode, done.stdout, done.stderr) == (0, "valid: 1 object\n", "")


def test_bad_files(place: Place) -> None:
    """Every problem of every file on stderr, with status 2."""
    one = place.file(GOOD.replace("metadata", "metadta"), "one.yaml")
    two = place.file("a: [", "two.yaml")
    done = place.call("validate", one, two, "/no/such/file")
    assert done.returncode == 2
    assert done.stdout == ""
    assert [line.partition(" $")[0].partition(": ")[2].partition(":")[0] for line in done.stderr.splitlines()] == [
        one,
        one,
        two,
        "/no/such/file",
    ]


def test_warnings(place: Place) -> None:
    """Are told, and are errors only where asked for."""
    path = place.file(STRAY)
    done = place.call("validate", path)
    assert done.returncode == 0
    assert done.stderr == f"warning: {path}:4:8 $.spec.selector: the selector matches no pod of this file\n"
    assert place.call("validate", "--strict", path).returncode == 2


def test_parts_of_a_cluster(place: Place) -> None:
    """What is named may be elsewhere, if one says so."""
    assert place.call("validate", place.file(DANGLING)).returncode == 2
    assert place.call("validate", "--partial", place.file(DANGLING)).returncode == 0


def test_stdin(place: Place) -> None:
    """A pipe is a file."""
    assert place.call("validate", "-", stdin=GOOD).returncode == 0


def test_files_are_also_named_as_for_apply(place: Place) -> None:
    """`-f FILE`, alone or beside others."""
    one = place.file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n", "one.yaml")
    two = place.file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n", "two.yaml")
    assert place.call("validate", "-f", one).stdout == "valid: 1 object\n"
    assert place.call("validate", "-f", one, two).stdout == "valid: 2 objects\n"
    none = place.call("validate")
    assert none.returncode == 2
    assert "Missing argument 'FILE...'" in none.stderr
