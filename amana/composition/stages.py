"""The parts of each stage: the place where a stage meets site, registry, policy and broker.

Purpose: start one stage as the process that runs it, with the secrets that this stage alone needs. Each stage's modules
are loaded by its own process alone.

Called by: `amana worker`.

Invariants:
- The private members of the libraries are checked before a stage handles anything.
- A broker whose certificate is refused ends the start with a typed fault, before Faust could repeat the connection.
- The event loop is chosen before any module could create one.
- Every start has an epoch of its own.
"""

import contextlib
import secrets
from collections.abc import Mapping
from typing import Any, Final

from amana import site as sites
from amana.composition import private_members
from amana.composition.code_version import code_version
from amana.composition.live_policies import LivePolicies
from amana.composition.site_calendar import SiteCalendar, today
from amana.keys.live_folder import LiveFolder
from anonymizer.names import spans
from anonymizer.policy import TextRules
from connectors.adapters import schema_ids
from connectors.adapters.cluster import Cluster

__all__ = ["run", "run_release"]

_EPOCH_BYTES: Final = 8


def run(site: sites.Site, allowed: schema_ids.AllowList, name: str, index: int) -> None:
    """Run a Faust stage until it is stopped.

    Args:
        site: the operator's folder.
        allowed: schema ids to write with, and schemas that may be read.
        name: deidentify, dedupe or aggregate.
        index: number of this process among those of the stage.
    """
    # First, so that a connection that is refused costs no start of detectors.
    cluster = site.cluster(f"worker.{name}")
    settings = cluster.kafka_settings()
    with contextlib.ExitStack() as stack:
        # Detector processes take longest to start, so they load while the application is built.
        detector = _detector(site.policy().text, stack) if name == "deidentify" else None
        _run_application(site, (cluster, settings), allowed, (name, index), detector)


def run_release(site: sites.Site) -> None:
    """Run the release process until it is stopped; it is no Faust stream."""
    from amana.composition.release_parts import compose  # noqa: PLC0415 - only the release process loads solvers
    from streams.release import release_process  # noqa: PLC0415 - as above

    private_members.check("kafka-python", "scipy")
    release_process.run(compose(site))


def _detector(rules: TextRules, stack: contextlib.ExitStack) -> Any:  # noqa: ANN401 - only this stage loads its type
    """Start the detector processes, which end with `stack`."""
    from anonymizer.sandbox import detector_pool  # noqa: PLC0415 - only the process that runs the stage needs it

    private_members.check("re")
    # A text that is withheld anyway is counted by patterns alone, and not read for names.
    scanned = rules if rules.narratives == "mask" else rules.without(spans.ENTITIES)
    return stack.enter_context(detector_pool.DetectorPool(scanned))


def _run_application(
    site: sites.Site,
    access: tuple[Cluster, Mapping[str, Any]],
    allowed: schema_ids.AllowList,
    which: tuple[str, int],
    detector: Any,  # noqa: ANN401 - as above
) -> None:
    """Build and run the stage's Faust application."""
    import faust  # noqa: PLC0415 - only the process that runs a stage needs it
    import mode.loop  # noqa: PLC0415 - as faust

    # The event loop is chosen before any module could create one.
    mode.loop.use("uvloop")
    from streams.runtime import app as apps  # noqa: PLC0415 - after the loop
    from streams.runtime import outbox  # noqa: PLC0415 - as above

    private_members.check("aiokafka", "faust-streaming")

    (cluster, settings), (name, index) = access, which
    member = f"{name}-{index}"
    app = apps.build(name, settings, site.path("state", member), instance=member, fetch=apps.FETCH_BYTES[name])
    # The epoch names this incarnation: state that it writes cannot be confused with that of an earlier one.
    epoch = secrets.token_hex(_EPOCH_BYTES)
    deps = apps.Deps(outbox.Outbox(settings, member), epoch, allowed.current, allowed.readable, cluster.seal)
    _attach(app, site, name, deps, detector)
    running = faust.Worker(app, loglevel="WARN", quiet=True, redirect_stdouts=False, override_logging=False)
    running.spinner = None
    running.execute_from_commandline()


def _attach(
    app: Any,  # noqa: ANN401 - Faust is not loaded here
    site: sites.Site,
    name: str,
    deps: Any,  # noqa: ANN401 - as app
    detector: Any,  # noqa: ANN401 - as app
) -> None:
    """Attach the stage's agent to `app`."""
    if name == "dedupe":
        from streams.stages import dedupe  # noqa: PLC0415 - each stage's modules are loaded by its own process alone

        live = LivePolicies(site)
        dedupe.attach(app, live.followed, deps=deps, code=code_version(), replaced=live)
    elif name == "aggregate":
        from streams.stages import aggregate  # noqa: PLC0415 - as above

        aggregate.attach(app, deps=deps)
    else:
        from anonymizer.names import recogniser as names  # noqa: PLC0415 - as above
        from streams.stages import deidentify  # noqa: PLC0415 - as above

        own = site.party("deidentify")

        def keys() -> deidentify.OwnKeys:
            signing = {agency: site.signing_keys(agency) for agency in site.agencies}
            return deidentify.OwnKeys(own.sealing_keys(), own.dedupe_keys(), signing)

        folders = own.path / "sealing", own.path / "dedupe", site.path("public", "signing")
        replaced = LiveFolder(folders, keys)  # looked at before the keys are read first
        private = deidentify.Private(
            keys=keys(),
            detector=detector,
            as_of=SiteCalendar(site),
            today=today,
            code=code_version(),
            models=names.hashes(),
            replaced=replaced,
            policies=(live := LivePolicies(site)),
        )
        deidentify.attach(app, live.followed, site.agencies, deps=deps, private=private)
