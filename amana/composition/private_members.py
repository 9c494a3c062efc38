"""Private members of libraries that this project relies on, and the check that they are as expected.

Purpose: some needs have no public interface: columnar fetches, the offset to commit, HiGHS without SciPy's marginals.
The members that are used for them may change with any version of their library. Each is listed here with the version
that it was read in, and a process checks the members of the libraries that it loads, before it handles anything.

Called by: `amana.composition.stages`, when a worker starts; `amana.__main__`, for the commands of `OF_COMMAND`;
`amana audit reconcile`.

Invariants:
- A member that is missing or has another signature ends the start with INT-025; nothing has been read or sent by then.
- A test holds the versions against the installed ones, and the list against the source code of the modules that are
  named here.
"""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Final

from schemas.errors import IntegrityError

__all__ = ["MEMBERS", "OF_COMMAND", "VERSIONS", "Member", "check"]

VERSIONS: Final = {"aiokafka": "0.14.0", "faust-streaming": "0.15.3", "kafka-python": "3.0.12", "scipy": "1.17.1"}
"""The pinned version of each library. `re` belongs to Python: its members are the same from 3.11 to 3.14."""

OF_COMMAND: Final = {
    "check": ("kafka-python",),
    "demo": ("kafka-python",),
    "evaluate": ("re",),
    "notices": ("kafka-python",),
    "protect": ("scipy",),
    "provision": ("kafka-python",),
    "redact": ("re",),
    "restore": ("kafka-python",),
    "status": ("kafka-python",),
    "up": ("kafka-python",),
}
"""Command → libraries whose private members it relies on. `amana worker` checks by stage, `amana audit reconcile`
itself."""


@dataclass(frozen=True, slots=True)
class Member:
    """One private member.

    Args:
        library: Distribution that it belongs to, or `re`.
        owner: The module, or module and class as `module:Class`.
        name: Name of the member.
        used_by: The module of this project that relies on it.
        parameters: Names of the parameters of a function; None for a value, which the class may also set in `__init__`.
    """

    library: str
    owner: str
    name: str
    used_by: str
    parameters: tuple[str, ...] | None = None


_TRANSPORT: Final = "streams.runtime.transport"
_FETCHES: Final = "streams.runtime.columnar_fetches"
_WATCHDOG: Final = "streams.runtime.watchdog"
_CONSUMER: Final = "aiokafka.consumer.consumer:AIOKafkaConsumer"
_RECORDS: Final = "aiokafka.consumer.fetcher:PartitionRecords"
_FAUST: Final = "faust.transport.consumer:Consumer"
_FAUST_DRIVER: Final = "faust.transport.drivers.aiokafka"
_PRODUCER: Final = "kafka.producer.kafka:KafkaProducer"
_FENCED: Final = "connectors.adapters.fenced_producer"
_HIGHS: Final = "scipy.optimize._highspy._core"

MEMBERS: Final = (
    # aiokafka: limits of a fetch that have no setting in Faust.
    Member("aiokafka", _CONSUMER, "_fetch_max_wait_ms", _TRANSPORT),
    Member("aiokafka", _CONSUMER, "_fetch_min_bytes", _TRANSPORT),
    Member("aiokafka", _CONSUMER, "_fetch_max_bytes", _TRANSPORT),
    Member("aiokafka", _CONSUMER, "_max_partition_fetch_bytes", _TRANSPORT),
    # aiokafka: records by column, and a bound on the size of an unpacked batch.
    Member("aiokafka", _CONSUMER, "_fetcher", _FETCHES),
    Member("aiokafka", "aiokafka.consumer.fetcher:Fetcher", "_records", _FETCHES),
    Member("aiokafka", "aiokafka.consumer.fetcher:FetchResult", "_partition_records", _FETCHES),
    Member("aiokafka", _RECORDS, "_tp", _FETCHES),
    Member("aiokafka", _RECORDS, "_records", _FETCHES),
    Member("aiokafka", _RECORDS, "_check_crcs", _FETCHES),
    Member("aiokafka", _RECORDS, "_isolation_level", _FETCHES),
    Member("aiokafka", _RECORDS, "next_fetch_offset", _FETCHES),
    Member("aiokafka", _RECORDS, "_unpack_records", _FETCHES, ("self",)),
    Member(
        "aiokafka",
        _RECORDS,
        "__init__",
        _FETCHES,
        (
            "self",
            "tp",
            "records",
            "aborted_transactions",
            "fetch_offset",
            "key_deserializer",
            "value_deserializer",
            "check_crcs",
            "isolation_level",
        ),
    ),
    Member("aiokafka", "aiokafka.record.default_records", "gzip_decode", _FETCHES, ("payload",)),
    Member("aiokafka", "aiokafka.record._crecords.default_records", "gzip_decode", _FETCHES, ("payload",)),
    # Faust: the methods that the batch transport overrides, and the books of offsets that it keeps right.
    Member(
        "faust-streaming",
        f"{_FAUST_DRIVER}:AIOKafkaConsumerThread",
        "_create_worker_consumer",
        _TRANSPORT,
        ("self", "transport"),
    ),
    Member(
        "faust-streaming",
        f"{_FAUST_DRIVER}:AIOKafkaConsumerThread",
        "_fetch_records",
        _TRANSPORT,
        ("self", "consumer", "active_partitions", "timeout", "max_records"),
    ),
    Member("faust-streaming", f"{_FAUST_DRIVER}:Consumer", "_new_consumer_thread", _TRANSPORT, ("self",)),
    Member("faust-streaming", f"{_FAUST_DRIVER}:Consumer", "_commit", _TRANSPORT, ("self", "offsets")),
    Member(
        "faust-streaming", f"{_FAUST_DRIVER}:Consumer", "_getmany", _TRANSPORT, ("self", "active_partitions", "timeout")
    ),
    Member("faust-streaming", _FAUST, "_is_changelog_tp", _TRANSPORT, ("self", "tp")),
    Member("faust-streaming", _FAUST, "_wait_next_records", _TRANSPORT, ("self", "timeout")),
    Member("faust-streaming", _FAUST, "_new_offset", _TRANSPORT, ("self", "tp")),
    Member("faust-streaming", _FAUST, "_acked", _TRANSPORT),
    Member("faust-streaming", _FAUST, "_acked_index", _TRANSPORT),
    Member("faust-streaming", _FAUST, "_read_offset", _TRANSPORT),
    Member("faust-streaming", _FAUST, "_committed_offset", _TRANSPORT),
    Member("faust-streaming", _FAUST, "_buffered_partitions", _TRANSPORT),
    Member("faust-streaming", "faust.serializers.codecs:Codec", "_loads", _TRANSPORT, ("self", "s")),
    Member("faust-streaming", "faust.serializers.codecs:Codec", "_dumps", _TRANSPORT, ("self", "s")),
    # Faust: the store of a table, and the progress of its restore. Public by name, and documented nowhere.
    Member("faust-streaming", "faust.tables.base:Collection", "_new_store", "streams.runtime.state", ("self",)),
    Member("faust-streaming", "faust.tables.recovery:Recovery", "active_offsets", _WATCHDOG),
    Member("faust-streaming", "faust.tables.recovery:Recovery", "active_highwaters", _WATCHDOG),
    # kafka-python: the requests for quotas.
    Member("kafka-python", "kafka.admin.client:KafkaAdminClient", "_manager", "amana.provisioning.cluster_quotas"),
    Member(
        "kafka-python",
        "kafka.net.manager:KafkaConnectionManager",
        "run",
        "amana.provisioning.cluster_quotas",
        ("self", "coro", "args"),
    ),
    Member(
        "kafka-python",
        "kafka.net.manager:KafkaConnectionManager",
        "send",
        "amana.provisioning.cluster_quotas",
        ("self", "request", "node_id", "request_timeout_ms"),
    ),
    # kafka-python: the end of a transaction within a bounded time.
    Member("kafka-python", _PRODUCER, "_transaction_manager", _FENCED),
    Member("kafka-python", _PRODUCER, "_sender", _FENCED),
    # SciPy: its binding of HiGHS. Compiled, so that only the names can be checked.
    Member("scipy", _HIGHS, "_Highs", "anonymizer.solvers.highs"),
    Member("scipy", _HIGHS, "HighsLp", "anonymizer.solvers.highs"),
    Member("scipy", _HIGHS, "HighsStatus", "anonymizer.solvers.highs"),
    Member("scipy", _HIGHS, "HighsModelStatus", "anonymizer.solvers.highs"),
    Member("scipy", _HIGHS, "HighsVarType", "anonymizer.solvers.highs"),
    Member("scipy", _HIGHS, "MatrixFormat", "anonymizer.solvers.highs"),
    Member("scipy", f"{_HIGHS}:_Highs", "setOptionValue", "anonymizer.solvers.highs"),
    Member("scipy", f"{_HIGHS}:_Highs", "passModel", "anonymizer.solvers.highs"),
    Member("scipy", f"{_HIGHS}:_Highs", "changeRowBounds", "anonymizer.solvers.highs"),
    Member("scipy", f"{_HIGHS}:_Highs", "run", "anonymizer.solvers.highs"),
    Member("scipy", f"{_HIGHS}:_Highs", "getModelStatus", "anonymizer.solvers.highs"),
    Member("scipy", f"{_HIGHS}:_Highs", "getSolution", "anonymizer.solvers.highs"),
    Member("scipy", f"{_HIGHS}:_Highs", "clearSolver", "anonymizer.solvers.highs"),
    # Python: the parser of regular expressions, for the greatest width of a pattern.
    Member("re", "re._parser", "parse", "anonymizer.detection.match_windows", ("str", "flags", "state")),
    Member("re", "re._parser", "SRE_FLAG_IGNORECASE", "anonymizer.detection.match_windows"),
)
"""Every private member that is relied on, by library."""


def check(*libraries: str, members: Iterable[Member] = MEMBERS) -> None:
    """Check the private members of `libraries`, which the process loads anyway.

    Args:
        libraries: distributions, or `re`; those without a listed member are passed over.
        members: the list to check against; tests give their own.

    Raises:
        IntegrityError: INT-025, a member is missing or has another signature.
    """
    for member in members:
        if member.library in libraries and not _is_as_expected(member):
            path = f"{member.owner}.{member.name}"
            raise IntegrityError("INT-025", f"{member.library}: {path} is not as {member.used_by} expects it")


def _is_as_expected(member: Member) -> bool:
    """Tell whether a member exists and, if it is a function, has the expected parameters."""
    module, _, name = member.owner.partition(":")
    try:
        owner: ModuleType | type = import_module(module)
    except ImportError:
        return False
    if name:
        owner = getattr(owner, name, None)  # type: ignore[assignment] # None has no member that is looked for
    if member.parameters is not None:
        # Names, not only the number: the code passes some of them by keyword, and a swapped pair would be as bad.
        function = getattr(owner, member.name, None)
        return callable(function) and tuple(inspect.signature(function).parameters) == member.parameters
    # An attribute of the instances alone is a name that the code of `__init__` assigns: nothing has to be made for it.
    code = getattr(getattr(owner, "__init__", None), "__code__", None)
    return hasattr(owner, member.name) or (code is not None and member.name in code.co_names)
