"""`pods/exec`: a command in a running container, with the streams its client wants."""

from __future__ import annotations

from kube_actors.errors import ApiError, bad_request
from kube_actors.node.runtime.base import RuntimeGone
from kube_actors.server.call import Call
from kube_actors.server.http import Full, HttpRequest, Response
from kube_actors.server.streams.client_streams import ClientStreams, Wanted
from kube_actors.server.streams.pods import container_of, pod_of
from kube_actors.server.streams.remote_command import run_command, status_of_error, status_of_exit
from kube_actors.server.streams.upgrades import check_upgrade, command_upgrade
from kube_actors.verbs.exec import ContainerNotRunning, running_container, start_exec


async def exec_command(call: Call) -> Response:
    """Run `command` of the query. What is wrong with the pod is an ordinary error, with the container a node's; what is
    wrong with the command is told on the error stream, as in Kubernetes."""
    pod, request = pod_of(call), call.request
    container = container_of(pod.body(), request.parameter("container"))
    argv = tuple(request.query.get("command", ()))
    wanted = wanted_streams(request)
    check_upgrade(call)
    if not argv:
        raise bad_request("you must specify at least one command for the container")
    session = call.api.session
    try:
        target = await running_container(session, pod, container)
    except ContainerNotRunning as error:
        return not_running(error)

    async def serve(client: ClientStreams) -> None:
        try:
            command = await start_exec(session, target, argv, stdin=wanted.stdin, tty=wanted.tty)
        except ApiError as error:
            await client.finish(error.status())
            return
        try:
            code = await run_command(client, command, tty=wanted.tty)
        except RuntimeGone as error:
            await client.finish(status_of_error(error, "error executing command in container"))
            return
        finally:
            await command.aclose()
        if code is not None:
            await client.finish(status_of_exit(code, argv))

    return command_upgrade(request, wanted, serve)


def not_running(error: ContainerNotRunning) -> Full:
    """A kubelet's answer in its own form: clients put before it that they could not upgrade the connection."""
    return Full(500, error.message.encode(), "text/plain; charset=utf-8")


def wanted_streams(request: HttpRequest) -> Wanted:
    """The streams of the query. ApiError 400 when it names none."""
    tty = request.flag("tty")
    wanted = Wanted(request.flag("stdin"), request.flag("stdout"), request.flag("stderr") and not tty, tty)
    if not (wanted.stdin or wanted.stdout or wanted.stderr):
        raise bad_request("you must specify at least 1 of stdin, stdout, stderr")
    return wanted
