"""A small HTTP client: posts to one address over a few kept connections for some seconds."""

import asyncio
import statistics
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What the client saw."""

    accepted: int
    seconds: float
    median: float
    slowest_5_percent: float


async def _client(host: str, port: int, request: bytes, until: float, taken: list[float]) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        while time.perf_counter() < until:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            lower = head.lower()
            if b"content-length:" in lower:
                length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
            else:
                while (size := int((await reader.readline()).strip() or b"0", 16)) > 0:
                    await reader.readexactly(size + 2)
                await reader.readline()
            if status != 200:
                raise SystemExit(f"a webhook was answered with {status}")
            taken.append(time.perf_counter() - began)
    finally:
        writer.close()


async def _load(port: int, path: str, clients: int, seconds: float) -> Load:
    body = b'{"who": "bench"}'
    request = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    taken: list[float] = []
    began = time.perf_counter()
    await asyncio.gather(*(_client("127.0.0.1", port, request, began + seconds, taken) for _ in range(clients)))
    spent = time.perf_counter() - began
    return Load(len(taken), spent, statistics.median(taken), statistics.quantiles(taken, n=20)[-1])


def load(port: int, path: str, *, clients: int, seconds: float) -> Load:
    """Post as fast as `clients` connections get answers."""
    return asyncio.run(_load(port, path, clients, seconds))
