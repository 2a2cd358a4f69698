"""requests comes without what nobody needs, and others can still have it."""

import subprocess
import sys


def test_the_guessers_of_alphabets_stay_out() -> None:
    """Not loaded by the uplink, no warning about it, and importable by who asks."""
    code = (
        "import sys\nimport edge_agent.uplink.transport\n"
        "assert not {'chardet', 'charset_normalizer'} & set(sys.modules)\n"
        "import charset_normalizer, requests\n"
        "assert requests is edge_agent.uplink.transport.requests\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_the_agent_loads_no_asyncio() -> None:
    """Nor what only commands need: each costs memory for good."""
    code = (
        "import sys\nimport edge_agent.agent\n"
        "never = {'asyncio', 'pymodbus', 'sqlite_utils', 'rich', 'textual', 'prometheus_client',"
        " 'plotext', 'shtab', 'charset_normalizer', 'cryptography.x509'}\n"
        "print(sorted(never & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
