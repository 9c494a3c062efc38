"""The transactional producer of the release process: the broker lets its last holder alone send.

Purpose: two release processes never both publish. Whoever takes the transactional id shuts every earlier holder out at
the broker, even one that was frozen and wakes up later, and all records of one call become visible together or never.
Called by: `connectors.adapters.release_bus`.

    producer.take()                     first; what is out may be read and compared from then on
    producer.send(records)              again and again, each time one transaction
    producer.is_held                    False after a fault: what is out must be compared anew before `take` helps

Invariants:
- Nothing is sent without the id, and a fault gives it up: the caller compares what is out before it sends again.
- A transaction that failed is aborted by the next holder; the broker aborts it after five minutes if there is none.
- No method waits longer than its patience.

Source: KIP-98 and KIP-360; kafka-python 3.0.12, `kafka.producer`.
"""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import (
    InvalidProducerEpochError,
    KafkaError,
    KafkaTimeoutError,
    ProducerFencedError,
    TransactionalIdAuthorizationFailedError,
)

from connectors.adapters.clients import open_client
from schemas.errors import ConfigurationError, IntegrityError, TransportError

__all__ = ["FencedProducer", "Outgoing"]

Outgoing = tuple[str, bytes, bytes]
"""Topic, key and value of a record; all of its topics have one partition."""

_ACK_SECONDS: Final = 60
_CLOSE_SECONDS: Final = 5
_TAKE_MS: Final = 30_000
_TRANSACTION_MS: Final = 300_000
"""Time after which the broker aborts a transaction that nobody ended; a tick of a million rows takes less."""

_FENCED: Final = (ProducerFencedError, InvalidProducerEpochError)


class FencedProducer:
    """The one producer of a transactional id, as long as no other process takes the id."""

    def __init__(self, settings: Mapping[str, Any], transactional_id: str) -> None:
        """Take client settings of the principal to which the id belongs; `take` connects."""
        self._settings, self._id = settings, transactional_id
        self._producer: KafkaProducer | None = None

    @property
    def is_held(self) -> bool:
        """Whether the id was taken, and nothing failed since."""
        return self._producer is not None

    def take(self) -> None:
        """Take the id: every earlier holder is shut out, and its open transaction is aborted.

        Raises:
            TransportError: TRA-140, the broker is out of reach.
            ConfigurationError: CFG-200, the broker's access rules do not give the id to this principal.
        """
        self.drop()
        more = {"transactional_id": self._id, "transaction_timeout_ms": _TRANSACTION_MS, "max_block_ms": _TAKE_MS}
        try:
            self._producer = open_client(
                KafkaProducer, self._settings, acks="all", enable_idempotence=True, bootstrap_timeout_ms=10_000, **more
            )
            self._producer.init_transactions()
        except TransactionalIdAuthorizationFailedError as error:
            self.drop()
            raise ConfigurationError(
                "CFG-200", f"the broker does not give the transactional id {self._id} to its principal"
            ) from error
        except KafkaError as error:
            self.drop()
            raise TransportError("TRA-140", f"the broker is out of reach: {type(error).__name__}") from error

    def send(self, records: Sequence[Outgoing]) -> None:
        """Send records in one transaction: when the method returns, readers see all of them.

        Raises:
            IntegrityError: INT-174, another process has taken the id, or it was never taken; none is visible.
            TransportError: TRA-141; none or all are visible, and the id is given up.
        """
        producer = self._producer
        if producer is None:
            raise IntegrityError("INT-174", "this release process does not hold the fence; it sends nothing")
        try:
            producer.begin_transaction()
            # All are sent before the first is waited for: one round trip for each batch, not for each row.
            futures = [producer.send(topic, key=key, value=value, partition=0) for topic, key, value in records]
            producer.flush(timeout=_ACK_SECONDS)
            for future in futures:
                future.get(timeout=_ACK_SECONDS)
            _commit(producer)
        except KafkaError as error:
            # After a fatal fault the client raises a plain KafkaError for everything, and keeps the fault itself.
            faults = (error, producer._transaction_manager.last_error)  # noqa: SLF001 - as in `_commit`
            self.drop()
            if any(isinstance(fault, _FENCED) for fault in faults):
                raise IntegrityError(
                    "INT-174", "another release process has taken over; this one sends nothing more"
                ) from error
            topics = ", ".join(dict.fromkeys(topic for topic, _, _ in records))
            raise TransportError("TRA-141", f"{topics} did not acknowledge: {type(error).__name__}") from error

    def drop(self) -> None:
        """Disconnect and give the id up."""
        producer, self._producer = self._producer, None
        if producer is not None:
            # The fault that led here is the one to report; a second one while closing would hide it.
            with contextlib.suppress(KafkaError):
                producer.close(timeout=_CLOSE_SECONDS)


def _commit(producer: KafkaProducer) -> None:
    """Commit within a bounded time: `commit_transaction` of kafka-python 3.0.12 waits for ever."""
    result = producer._transaction_manager.begin_commit()  # noqa: SLF001 - see above
    producer._sender.wakeup()  # noqa: SLF001 - as above
    if not result.wait(timeout_ms=_ACK_SECONDS * 1000):
        raise KafkaTimeoutError("the transaction was not ended in time")
