# The image of Amana's processes: every stage, the release process and the command. Built by docker-compose.yml.
FROM python:3.11-slim

RUN useradd --uid 10001 --create-home amana \
    && mkdir /data && chown amana:amana /data && chmod 700 /data \
    && pip install --no-cache-dir uv

WORKDIR /app
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY schemas schemas
COPY anonymizer anonymizer
COPY streams streams
COPY connectors connectors
COPY amana amana
RUN uv sync --frozen --no-dev --no-editable --extra hub

USER amana
ENV AMANA_DATA=/data PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
VOLUME ["/data"]
ENTRYPOINT ["amana"]
