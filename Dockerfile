# One image for everything: the web process, worker, scheduler and prepare differ in their command alone.
#
#   docker build --build-arg REVISION="$(git rev-parse HEAD)" --tag devinsync:1.0.0 .
#
# It runs as an ordinary user on a read-only root. What it writes goes to DATA_DIR and /tmp: see compose.yaml.

# Debian's own Python, so that its security updates come with the base. A newer base is a newer date and its digest.
FROM debian:trixie-20260918-slim@sha256:a99cfc517144bc59b1978475ec53b46ecabec7e43635402ee5b77cc54cd1b20a AS base
# Debian's mirrors keep the newest version of a package only, so one that is pinned here could not be built tomorrow.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 tzdata \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log

FROM base AS packages
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv
COPY requirements.txt requirements-optional.txt /build/
# Not empty: with what SAML, OpenTelemetry and Sentry need.
ARG OPTIONAL=
# The environment gets no pip: nothing is installed into it later.
RUN python3 -m venv /build/tools \
 && python3 -m venv --without-pip /opt/venv \
 && /build/tools/bin/pip --python /opt/venv/bin/python install --no-cache-dir --require-hashes --no-deps \
      --only-binary :all: --requirement /build/requirements.txt \
      ${OPTIONAL:+--requirement /build/requirements-optional.txt}

FROM base
ENV PATH=/opt/venv/bin:$PATH \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/var/lib/devinsync \
    STATIC_DIR=/opt/devinsync/static \
    LIFE_SIGN=/tmp/devinsync.alive
RUN useradd --uid 10001 --user-group --home-dir /var/lib/devinsync --shell /usr/sbin/nologin devinsync \
 && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/devinsync
COPY --from=packages /opt/venv /opt/venv
WORKDIR /opt/devinsync
COPY . .
# The keys are for this one command, which needs some and uses none.
RUN SECRET_KEY=none ENCRYPTION_KEYS=none DATA_DIR=/tmp python manage.py collectstatic --no-input --verbosity 0 \
 && python -m compileall -q .
ENV PYTHONDONTWRITEBYTECODE=1

ARG VERSION=1.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="DevinSync" \
      org.opencontainers.image.description="Keeps the secrets of a Devin organization equal to a folder of a source of secrets." \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/debian:trixie-20260918-slim"

USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["python", "-m", "launcher.healthy"]
CMD ["python", "manage.py", "serve"]
