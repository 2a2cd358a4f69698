"""Asks central what it holds of this gateway, and judges what that means.

Before the first upload of a process, and whenever an answer can only mean that one of both was set
back or that another machine uses this key. Nothing of an answer counts before its receipts verify.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.journal.reader import ReadFailed
from edge_agent.keys.receipt_keys import keys_for
from edge_agent.uplink.failure import Failure, failed, refused
from edge_agent.uplink.start_check import Central, CentralLog, Decision, Own, OwnLog, decide
from edge_agent.uplink.transport import LinkFailure
from protocols.evidence.adopt import PATH as ADOPT_PATH
from protocols.evidence.adopt import Adoption, encode_adoption
from protocols.evidence.errors import BadSignature, EvidenceError, Malformed
from protocols.evidence.facts import Citation
from protocols.evidence.heads import PATH, Heads, StoredHead, decode_heads, sign_heads_request
from protocols.evidence.leaf import Log
from protocols.evidence.note import open_checkpoint, unverified_checkpoint
from protocols.evidence.order import REQUEST_HEADER
from protocols.evidence.upload import check_receipt

if TYPE_CHECKING:
    from edge_agent.journal.reader import JournalReader
    from edge_agent.keys.keys import Keys
    from edge_agent.keys.receipt_keys import ReceiptKeys
    from edge_agent.uplink.transport import Transport
    from protocols.evidence.note import Verifier


class HeadsCheck:
    """For the uplink's thread."""

    def __init__(
        self,
        reader: JournalReader,
        transport: Transport,
        keys: Keys,
        receipts: Verifier | ReceiptKeys,
    ) -> None:
        self._reader = reader
        self._transport = transport
        self._keys = keys
        self._receipts = receipts
        self.citations: tuple[Citation, ...] = ()  # of the last answer: what a new epoch cites

    def ask(self, *, running: bool) -> Decision | Failure:
        """One request, and what it means."""
        gateway = self._keys.gateway
        header = {REQUEST_HEADER: sign_heads_request(gateway, self._keys.signer)}
        answer = self._transport.get(f"{PATH}{gateway}", header)
        if isinstance(answer, LinkFailure):
            return Failure(answer.problem, answer.remedy, link=True)
        if answer.status != 200:
            if answer.status == 401:
                self._keys.refused()
            return refused(answer)
        try:
            heads = decode_heads(answer.body, gateway)
            central = self._verified(heads)
            own = self._own(central)
        except (ReadFailed, EvidenceError) as error:
            return failed(error)
        self.citations = tuple(
            Citation(head.origin.log, head.size, head.checkpoint, head.receipt)
            for head in heads.heads
        )
        return decide(own, central, running=running)

    def adopt(self, log: Log) -> tuple[int, int] | Failure:
        """Central takes our last receipt for what it lost, and we no longer hold.

        What it no longer has: from its own size, to the size of our receipt.
        """
        try:
            origin, frontier, checkpoint, receipt = self._reader.last_receipt(log)
            adoption = Adoption(origin, frontier, checkpoint, receipt)
            answer = self._transport.post(ADOPT_PATH, encode_adoption(adoption))
            if isinstance(answer, LinkFailure):
                return Failure(answer.problem, answer.remedy, link=True)
            if answer.status != 200:
                return refused(answer)
            check_receipt(checkpoint, answer.body, keys_for(self._receipts, answer.body))
        except (ReadFailed, EvidenceError) as error:
            return failed(error)
        size = next((each.size for each in self.citations if each.log is log), 0)
        return size, frontier.size

    def _verified(self, heads: Heads) -> Central:
        """Raises EvidenceError: then nothing of it is believed."""
        return Central(
            heads.newest_epoch, {head.origin.log: self._judge(head) for head in heads.heads}
        )

    def _judge(self, head: StoredHead) -> CentralLog:
        claimed = unverified_checkpoint(head.checkpoint)
        if (claimed.origin, claimed.size) != (head.origin, head.size):
            raise Malformed(f"heads: {head.origin} at {head.size} with another checkpoint")
        check_receipt(head.checkpoint, head.receipt, keys_for(self._receipts, head.receipt))
        try:
            open_checkpoint(head.checkpoint, self._keys.verifier_for(head.origin, head.size))
            own_key = True
        except BadSignature:
            own_key = False
        return CentralLog(head.origin.epoch, head.size, claimed.root, own_key)

    def _own(self, central: Central) -> Own:
        """Raises ReadFailed."""
        epoch, logs = 0, {}
        for log in Log:
            state = self._reader.state(log)
            epoch = state.origin.epoch
            theirs = central.logs.get(log)
            root = None
            if theirs is not None and theirs.epoch == epoch and theirs.size <= state.frontier.size:
                found = self._reader.frontier_at(log, theirs.size)
                root = None if found is None else found.root()
            held_from = self._reader.held_from(log)
            logs[log] = OwnLog(state.frontier.size, state.receipted.size, held_from, root)
        return Own(epoch, logs, self._keys.first_epoch)
