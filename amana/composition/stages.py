"""The parts of each stage: the place where a stage meets site, registry, policy and broker.

Called by: `amana worker`. Each stage's modules are loaded by its own process alone.
"""

import contextlib
import secrets
from typing import Any, Final

from amana import site as sites
from amana.composition.code_version import code_version
from anonymizer.names import spans
from anonymizer.policy import TextRules
from connectors.adapters import schema_registry

__all__ = ["run", "run_release"]

_EPOCH_BYTES: Final = 8


def run(site: sites.Site, allowed: schema_registry.AllowList, name: str, index: int) -> None:
    """Run a Faust stage; its detectors load meanwhile, as they take longest."""
    with contextlib.ExitStack() as stack:
        detector = _detector(site.policy().text, stack) if name == "deidentify" else None
        _faust(site, allowed, (name, index), detector)


def _detector(rules: TextRules, stack: contextlib.ExitStack) -> Any:  # noqa: ANN401 - only this stage loads its type
    """Start the processes that scan texts."""
    from anonymizer.sandbox import detector_pool  # noqa: PLC0415 - only the process that runs the stage needs it

    return stack.enter_context(detector_pool.DetectorPool(_scanned(rules)))


def _faust(site: sites.Site, allowed: schema_registry.AllowList, which: tuple[str, int], detector: Any) -> None:  # noqa: ANN401 - as above
    """Run the stage's application; the loop is chosen before anything could ask for one."""
    import faust  # noqa: PLC0415 - only the process that runs a stage needs it
    import mode.loop  # noqa: PLC0415 - as faust

    mode.loop.use("uvloop")
    from streams.runtime import app as apps  # noqa: PLC0415 - after the loop
    from streams.runtime import outbox  # noqa: PLC0415 - as above

    name, index = which
    settings = site.cluster(f"worker.{name}").kafka_settings()
    member = f"{name}-{index}"
    app = apps.build(name, settings, site.path("state", member), instance=member, fetch=apps.FETCH_BYTES[name])
    deps = apps.Deps(
        outbox.Outbox(settings, member), secrets.token_hex(_EPOCH_BYTES), allowed.current, allowed.readable
    )
    _attach(app, site, name, deps, detector)
    running = faust.Worker(app, loglevel="WARN", quiet=True, redirect_stdouts=False, override_logging=False)
    running.spinner = None
    running.execute_from_commandline()


def run_release(site: sites.Site) -> None:
    """Run the release process: it reads, plans, records and publishes; nothing of it is a Faust stream."""
    from amana.composition.release_parts import compose  # noqa: PLC0415 - what only the release process needs
    from streams.release import release_process  # noqa: PLC0415 - as above

    release_process.run(compose(site))


def _attach(
    app: Any,  # noqa: ANN401 - Faust is not loaded here
    site: sites.Site,
    name: str,
    deps: Any,  # noqa: ANN401 - as app
    detector: Any,  # noqa: ANN401 - as app
) -> None:
    """Give `app` the stage's rule; each stage's modules are loaded by its own process alone."""
    if name == "dedupe":
        from streams.stages import dedupe  # noqa: PLC0415 - as the sentence above says

        dedupe.attach(app, site.policy(), deps=deps)
    elif name == "aggregate":
        from streams.stages import aggregate  # noqa: PLC0415 - as above

        aggregate.attach(app, deps=deps)
    else:
        from anonymizer.names import recogniser as names  # noqa: PLC0415 - as above
        from streams.stages import deidentify  # noqa: PLC0415 - as above

        policy = site.policy()
        private = deidentify.Private(
            sealing=site.secret("sealing"),
            dedupe=site.secret("dedupe-party"),
            signing={agency: site.public(f"signing/{agency}") for agency in site.agencies},
            detector=detector,
            as_of=site.as_of,
            code=code_version(),
            models=names.hashes(),
        )
        deidentify.attach(app, policy, site.agencies, deps=deps, private=private)


def _scanned(rules: TextRules) -> TextRules:
    """Return the rules to scan by: a text that is withheld anyway is counted by patterns, and not read for names."""
    return rules if rules.narratives == "mask" else rules.without(spans.ENTITIES)
