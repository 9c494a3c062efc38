# The image of Amana's processes: every stage, the release process and the command. Built by docker-compose.yml.
#
# PYTHON_DIGEST names the base image by its content, as sha256:…; a build without it is refused. The digest of a tag:
#   docker buildx imagetools inspect python:3.11-slim --format '{{.Manifest.Digest}}'
ARG PYTHON_DIGEST

FROM python:3.11-slim@${PYTHON_DIGEST} AS build
# The version of the Makefile.
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /app
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY schemas schemas
COPY anonymizer anonymizer
COPY streams streams
COPY connectors connectors
COPY amana amana
# Every package as in the lock file, by its hash; the interpreter is that of the base image.
RUN uv sync --frozen --no-cache --no-dev --no-editable --no-python-downloads --extra hub

# The second stage has no installer and fetches nothing, and neither does a process that runs in it.
FROM python:3.11-slim@${PYTHON_DIGEST}
RUN useradd --uid 10001 --create-home amana \
    && mkdir /data && chown amana:amana /data && chmod 700 /data
COPY --from=build /app/.venv /app/.venv
USER amana
ENV AMANA_DATA=/data PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
VOLUME ["/data"]
ENTRYPOINT ["amana"]
