"""Central tells what its metrological software is, as a gateway does."""

from central.software import metrological_hash
from edge_agent.software import metrological_hash as of_gateway


def test_one_release_has_one_hash():
    """Agent and central of one release have the same metrological software, and say so."""
    assert metrological_hash().hex() == of_gateway()
