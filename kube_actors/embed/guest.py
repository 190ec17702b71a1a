"""A cluster whose trio run is a guest of an asyncio loop, in the loop's own thread."""

from __future__ import annotations

import asyncio

import trio

from kube_actors.embed.portal import Portal


class GuestPortal(Portal):
    """The run takes turns with the running loop. To be made and started in it."""

    def start(self) -> None:
        """Begin; `started` says when the cluster runs."""
        loop = asyncio.get_running_loop()
        trio.lowlevel.start_guest_run(
            self._main,
            run_sync_soon_threadsafe=loop.call_soon_threadsafe,
            run_sync_soon_not_threadsafe=loop.call_soon,
            done_callback=self._finish,
            host_uses_signal_set_wakeup_fd=True,
            restrict_keyboard_interrupt_to_checkpoints=True,
        )
