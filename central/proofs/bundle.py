"""One file to take away: a zip of a proof, a README in both languages, the verifier of one file."""

import io
import zipfile
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

VERIFIER_NAME: Final = "gas_verify.py"
README_NAME: Final = "README.txt"
_TIME: Final = (1980, 1, 1, 0, 0, 0)  # the same files give the same zip
_README: Final = """\
A signed gas reading, and all that is needed to check it. Nobody has to be trusted or asked.

1. With this company's program, offline:      edge-agent verify THIS.zip
2. Or with the one file in here (298 lines, to be read first; needs Python and its package
   "cryptography", from whatever source you trust):
       python3 gas_verify.py THIS.zip
Both print the figures with their units, and a fingerprint. The proof is worth as much as that
fingerprint: compare it with one that reached you another way (contract, invoice, notice board).

It proves what the gateway at the meter recorded and when we held it, unchanged to the last bit.
It does not prove that the meter showed it, or measured rightly.

本压缩包为一条已签名的燃气读数及核验所需的全部内容，无需信任或询问任何人。

1. 用本公司的程序离线核验：edge-agent verify 本文件.zip
2. 或用包内的单文件核验程序（298 行，可先通读；需 Python 及其 cryptography 软件包）：
       python3 gas_verify.py 本文件.zip
两者都会给出带单位的数值和一个指纹。请将指纹与从其他途径（合同、账单、公示）得到的核对，证明的效力
以此为限。

可证实：表具处网关记录了什么、我们何时收存，且未改动一位。
不能证实：仪表当时确曾如此显示，或计量准确。
"""

_DAILY_README: Final = """\
That the signed state of this gateway's log is in the daily checkpoint over all gateways.
Check it, offline:  edge-agent verify THIS.zip
Compare the day's root with the one that was published that day, and the fingerprint of the
publisher with one that reached you another way.

本网关日志的签名状态已包含在当日全体日志的每日检查点中。
离线核验：edge-agent verify 本文件.zip
请将当日树根与当日公布的核对，并将公布者指纹与从其他途径得到的核对。
"""


def readme() -> str:
    """The README, with the verifier's length as it is."""
    return _README.replace("298", f"{len(verifier().splitlines())}")


def verifier() -> str:
    """The source of the verifier of one file."""
    return (files("central.verifier") / VERIFIER_NAME).read_text(encoding="utf-8")


def bundle(proof: Mapping[str, bytes]) -> bytes:
    """The zip of a proof's files, with README and verifier."""
    return _zipped(
        {
            **proof,
            README_NAME: readme().encode("utf-8"),
            VERIFIER_NAME: verifier().encode("utf-8"),
        }
    )


def daily_bundle(files: Mapping[str, bytes]) -> bytes:
    """The zip of what proves a log to be in a daily checkpoint."""
    return _zipped({**files, README_NAME: _DAILY_README.encode("utf-8")})


def _zipped(contents: Mapping[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            member = zipfile.ZipInfo(name, _TIME)
            member.external_attr = 0o644 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return data.getvalue()
