"""Network addresses as evidence of consent: shortened as configured, nothing if they are none."""

from ipaddress import ip_address, ip_network

from broadsheet.workspace import Workspace

#: What stays of an address that is shortened: the network, not the household.
KEPT_BITS = {4: 24, 6: 48}


def network_of(address: str, *, truncate: bool) -> str:
    """The address as it is kept: ``192.0.2.0`` for 192.0.2.17 if it is shortened; empty for what is none."""
    try:
        parsed = ip_address(address.strip())
    except ValueError:
        return ""
    if not truncate:
        return str(parsed)
    return str(ip_network((parsed, KEPT_BITS[parsed.version]), strict=False).network_address)


def kept_network(workspace: Workspace, address: str) -> str:
    """The address as this workspace keeps it (``privacy.truncate_networks``)."""
    return network_of(address, truncate=workspace.config.privacy.truncate_networks)
