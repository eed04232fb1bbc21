# uptimed as a container: `docker build -t uptimed .`, or by compose.yaml.
#
# Two stages, so that what builds is not in what runs. It runs as a user of its own, needs no
# privileges, and writes to /var/lib/uptimed (the journal) and /tmp only: give it a read-only root.
# The Python is the one that the tests run on; tags name releases, so that security fixes come with
# `docker build --pull`.
FROM python:3.11-slim-bookworm AS build

WORKDIR /src
RUN python -m venv /opt/uptimed
COPY requirements.lock ./
RUN /opt/uptimed/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY LICENSE README.md pyproject.toml ./
COPY uptimed uptimed
COPY probes probes
COPY reports reports
COPY grafana grafana
RUN /opt/uptimed/bin/pip install --no-cache-dir --no-deps --no-build-isolation .
COPY docs /opt/uptimed/docs


FROM python:3.11-slim-bookworm

# Of a release, Debian keeps the newest version of a package only: one that is named is soon gone.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --no-install-recommends -y \
        fonts-inter fonts-open-sans \
        libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0 \
        tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 uptimed \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/uptimed \
        --shell /usr/sbin/nologin uptimed \
    && install -d -o uptimed -g uptimed -m 0750 /var/lib/uptimed \
    && install -d -o root -g uptimed -m 0750 /etc/uptimed
COPY --from=build /opt/uptimed /opt/uptimed

ENV PATH=/opt/uptimed/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    UPTIMED_CONFIG=/etc/uptimed \
    XDG_CACHE_HOME=/tmp

USER 10001:10001
WORKDIR /var/lib/uptimed
VOLUME /var/lib/uptimed
EXPOSE 9464

# 503 when it does not trust itself: then the log says why.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:9464/healthz', timeout=4)"]

ENTRYPOINT ["tini", "--", "uptimed"]
CMD ["run"]
