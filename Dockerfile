# One image for every process of the portal; docker-compose.yml says which one a container becomes.
FROM python:3.13-slim-bookworm AS build
WORKDIR /app
COPY requirements.lock ./
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r requirements.lock
COPY . .
# The secret key of this step signs nothing and is not kept.
RUN COUNTERSIGN_SECRET_KEY=used-only-while-the-image-is-being-built COUNTERSIGN_STATIC_DIR=/app/collected \
    /opt/venv/bin/python manage.py collectstatic --no-input -v0 \
 && rm -rf var tests .ci docs \
 && /opt/venv/bin/python -m compileall -q /app /opt/venv

FROM python:3.13-slim-bookworm
RUN groupadd --gid 10001 countersign \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin countersign \
 && install -d -o 10001 -g 10001 -m 0700 /keys /log-keys
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    COUNTERSIGN_STATIC_DIR=/app/collected \
    COUNTERSIGN_VAR_DIR=/tmp/countersign \
    COUNTERSIGN_HEARTBEAT_DIR=/tmp/heartbeats \
    COUNTERSIGN_RECORDER_KEY_FILE=/keys/recorder.pem \
    COUNTERSIGN_LOG_VKEY_FILE=/keys/log.vkey \
    COUNTERSIGN_LOG_KEY_FILE=/log-keys/log.pem \
    COUNTERSIGN_LOG_STATE_FILE=/log-keys/last-signed
USER 10001:10001
EXPOSE 8000
CMD ["python", "manage.py", "run", "web", "--host", "0.0.0.0"]
