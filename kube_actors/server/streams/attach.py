"""`pods/attach`: the streams of a running container itself."""

from __future__ import annotations

from kube_actors.errors import ApiError
from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.streams.client_streams import ClientStreams
from kube_actors.server.streams.exec import not_running, wanted_streams
from kube_actors.server.streams.pods import container_of, pod_of
from kube_actors.server.streams.remote_command import SUCCESS, run_attached
from kube_actors.server.streams.upgrades import check_upgrade, command_upgrade
from kube_actors.verbs.exec import ContainerNotRunning, running_container, start_attach


async def attach(call: Call) -> Response:
    """Attach. It ends well when the container does, however that ended: its exit code is in the pod's status."""
    pod, request = pod_of(call), call.request
    container = container_of(pod.body(), request.parameter("container"))
    wanted = wanted_streams(request)
    check_upgrade(call)
    session = call.api.session
    missing = f"container {container} not found in pod {pod.key.name}_{pod.key.namespace}"
    try:
        target = await running_container(session, pod, container, missing)
    except ContainerNotRunning as error:
        return not_running(error)

    async def serve(client: ClientStreams) -> None:
        try:
            attached = await start_attach(session, target, stdin=wanted.stdin)
        except ApiError as error:
            await client.finish(error.status())
            return
        try:
            ended = await run_attached(client, attached, stdin=wanted.stdin)
        finally:
            await attached.aclose()
        if ended:
            await client.finish(SUCCESS)

    return command_upgrade(request, wanted, serve)
