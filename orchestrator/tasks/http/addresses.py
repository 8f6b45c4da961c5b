"""Which addresses a flow may talk to.

A name is resolved once and all its addresses are checked; the connection then goes to a checked address, so that a name
cannot mean something else a moment later. Anything not on the public internet is refused unless the namespace may use
private networks or the operator lists the network.
"""

import ipaddress
import socket
from collections.abc import Sequence
from functools import lru_cache

from orchestrator.tasks.contract import RunContext, TaskFailed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# A private network never includes the doors of the cloud itself: they hand out the machine's own credentials.
_METADATA = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200"))
)


def allowed_addresses(host: str, port: int, context: RunContext) -> list[str]:
    """Resolve `host` and return its addresses; raise TaskFailed when it has none or any of them is refused."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TaskFailed(f"The host {host} is not known.") from None
    addresses = list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
    for text in addresses:
        if not is_allowed(text, context):
            raise TaskFailed(
                f"{host} is {text}, which is not on the public internet. "
                "An administrator can allow private networks for this namespace.",
            )
    return addresses


def is_allowed(text: str, context: RunContext) -> bool:
    """Tell whether a flow of this context may connect to an address."""
    inside = [_embedded(ipaddress.ip_address(text)), ipaddress.ip_address(text)]
    if any(_in_networks(address, tuple(context.private_networks)) for address in inside):
        return True
    if any(address in _METADATA for address in inside):
        return False
    if context.allow_private_networks:
        return not any(address.is_multicast or address.is_unspecified or address.is_link_local for address in inside)
    return all(address.is_global and not address.is_multicast for address in inside)


def _embedded(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


@lru_cache(maxsize=16)
def _networks(texts: tuple[str, ...]) -> Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(text.strip(), strict=False) for text in texts if text.strip()]


def _in_networks(address: Address, texts: tuple[str, ...]) -> bool:
    return any(address.version == network.version and address in network for network in _networks(texts))
