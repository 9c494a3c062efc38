"""How many published records came out of the de-identifier: read from the topics, as the operator.

Decides that a record is counted once, however often a crash made it come out, and that a `moved` note, which the
de-identifier adds when a correction changes the person, is not one.
"""

from kafka.errors import KafkaError

from amana.site import Site
from connectors.adapters import reading, registry
from schemas import codec, limits
from schemas.errors import TransportError
from streams import topics

__all__ = ["count"]


def count(site: Site) -> int:
    """Return the number of distinct raw records behind all of `deidentified.*`.

    Raises:
        TransportError: TRA-062, the broker is out of reach.
    """
    return sum(len(_positions(site, kind)) for kind in topics.KINDS)


def _positions(site: Site, kind: str) -> set[tuple[str, int, int]]:
    stem = f"deidentified.{kind}"
    readable = registry.ids(site.registry, [stem]).allowed(stem)
    found: set[tuple[str, int, int]] = set()
    try:
        for record in reading.whole(site.kafka_settings("operator"), stem):
            one = codec.decode(record.value, readable, limits.INTERNAL)
            if one["state"] != "moved":
                found.add((one["agency"], one["source_partition"], one["source_offset"]))
    except KafkaError as error:
        raise TransportError("TRA-062", "the broker is out of reach") from error
    return found
