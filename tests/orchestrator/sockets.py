"""A browser's end of a socket, without a server (Channels' own needs one that is not installed)."""

from urllib.parse import unquote, urlsplit

from asgiref.testing import ApplicationCommunicator


class Socket(ApplicationCommunicator):
    """Talks to an ASGI application as a browser would."""

    def __init__(self, application, address: str, headers: list[tuple[bytes, bytes]]) -> None:
        parts = urlsplit(address)
        super().__init__(
            application,
            {
                "type": "websocket",
                "path": unquote(parts.path),
                "query_string": parts.query.encode(),
                "headers": headers,
                "subprotocols": [],
            },
        )

    async def connect(self) -> bool:
        """Open; return whether it was accepted."""
        await self.send_input({"type": "websocket.connect"})
        return (await self.receive_output(3))["type"] == "websocket.accept"

    async def receive_from(self, timeout: float) -> str:
        """Return the next message; fails when the socket was closed instead."""
        output = await self.receive_output(timeout)
        assert output["type"] == "websocket.send", output
        return output["text"]

    async def disconnect(self) -> None:
        """Leave."""
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(3)
