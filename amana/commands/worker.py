"""`amana worker`: one stage as one process; the place where a stage meets site, registry, policy and broker.

Decides what each stage is given. Does not decide what it does: `streams.agents` does.
"""

import contextlib
import importlib.metadata
import secrets
from typing import Annotated, Any, Final

import structlog
import typer

from amana import loglines
from amana import site as sites
from anonymizer.engines.names import spans
from anonymizer.policy import TextRules
from connectors.adapters import registry
from schemas.errors import ConfigurationError
from streams import access

__all__ = ["register"]

_EPOCH_BYTES: Final = 8


def register(app: typer.Typer) -> None:
    """Add `worker`."""
    app.command()(worker)


def worker(
    name: Annotated[str, typer.Argument(help="deidentify, dedupe, aggregate or release.")],
    index: Annotated[int, typer.Option(min=0, help="Which of several processes of the stage this is.")] = 0,
) -> None:
    """Run one stage until it is stopped."""
    if name not in access.WORKERS:
        raise ConfigurationError("CFG-050", f"no such stage; there are {', '.join(access.WORKERS)}")
    loglines.configure()
    site = sites.Site.open()
    log = structlog.get_logger()
    log.info("asks for the schemas", worker=name, index=index, registry=site.registry)
    allowed = registry.ids(site.registry)
    log.info("started", worker=name, index=index, policy=site.policy().digest[:16], schemas=len(allowed.current))
    if name == "release":
        _release(site)
    else:
        _stage(site, allowed, name, index)
    log.info("stopped", worker=name, index=index)


def _stage(site: sites.Site, allowed: registry.AllowList, name: str, index: int) -> None:
    """Run a Faust stage; its detectors load meanwhile, as they take longest."""
    with contextlib.ExitStack() as stack:
        detector = _detector(site.policy().text, stack) if name == "deidentify" else None
        _faust(site, allowed, (name, index), detector)


def _detector(rules: TextRules, stack: contextlib.ExitStack) -> Any:  # noqa: ANN401 - only this stage loads its type
    """Start the processes that scan texts."""
    from anonymizer.engines import pool  # noqa: PLC0415 - only the process that runs the stage needs it

    return stack.enter_context(pool.Pool(_scanned(rules)))


def _faust(site: sites.Site, allowed: registry.AllowList, which: tuple[str, int], detector: Any) -> None:  # noqa: ANN401 - as above
    """Run the stage's application; the loop is chosen before anything could ask for one."""
    import faust  # noqa: PLC0415 - only the process that runs a stage needs it
    import mode.loop  # noqa: PLC0415 - as faust

    mode.loop.use("uvloop")
    from streams import app as apps  # noqa: PLC0415 - after the loop
    from streams import outbox  # noqa: PLC0415 - as above

    name, index = which
    settings = site.kafka_settings(f"worker.{name}")
    member = f"{name}-{index}"
    app = apps.build(name, settings, site.path("state", member), instance=member, fetch=apps.FETCH_BYTES[name])
    deps = apps.Deps(
        outbox.Outbox(settings, member), secrets.token_hex(_EPOCH_BYTES), allowed.current, allowed.readable
    )
    _attach(app, site, name, deps, detector)
    running = faust.Worker(app, loglevel="WARN", quiet=True, redirect_stdouts=False, override_logging=False)
    running.spinner = None
    running.execute_from_commandline()


def _release(site: sites.Site) -> None:
    """Run the release process: it reads, plans, records and publishes; nothing of it is a Faust stream."""
    from amana.commands.release import compose  # noqa: PLC0415 - what only the release process needs
    from streams.agents import release  # noqa: PLC0415 - as above

    release.run(compose(site))


def _attach(
    app: Any,  # noqa: ANN401 - Faust is not loaded here
    site: sites.Site,
    name: str,
    deps: Any,  # noqa: ANN401 - as app
    detector: Any,  # noqa: ANN401 - as app
) -> None:
    """Give `app` the stage's rule; each stage's modules are loaded by its own process alone."""
    if name == "dedupe":
        from streams.agents import dedupe  # noqa: PLC0415 - as the sentence above says

        dedupe.attach(app, site.policy(), deps=deps)
    elif name == "aggregate":
        from streams.agents import aggregate  # noqa: PLC0415 - as above

        aggregate.attach(app, deps=deps)
    else:
        from anonymizer.engines.names import recogniser as names  # noqa: PLC0415 - as above
        from streams.agents import deidentify  # noqa: PLC0415 - as above

        policy = site.policy()
        private = deidentify.Private(
            sealing=site.secret("sealing"),
            dedupe=site.secret("dedupe-party"),
            signing={agency: site.public(f"signing/{agency}") for agency in site.agencies},
            detector=detector,
            as_of=site.as_of,
            code=_code(),
            models=names.hashes(),
        )
        deidentify.attach(app, policy, site.agencies, deps=deps, private=private)


def _code() -> str:
    """Name the running version, for the audit log."""
    return importlib.metadata.version("amana-pipeline")


def _scanned(rules: TextRules) -> TextRules:
    """Return the rules to scan by: a text that is withheld anyway is counted by patterns, and not read for names."""
    return rules if rules.narratives == "mask" else rules.without(spans.ENTITIES)
