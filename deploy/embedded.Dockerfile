# The image of the app on the embedded host. `docker compose up embedded` runs this image. See
# embedded-host/docs/how-to/container.md.
# /opt/host contains the host and its packages. The app's packages are in .venv in the app folder,
# where the host finds the app's interpreter.
FROM python:3.11-slim AS wheels
COPY deploy/requirements-embedded.txt deploy/requirements-container.txt /
RUN pip wheel --no-cache-dir --only-binary=:all: --require-hashes --wheel-dir=/wheels/host --requirement=/requirements-embedded.txt \
 && pip wheel --no-cache-dir --only-binary=:all: --require-hashes --wheel-dir=/wheels/app --requirement=/requirements-container.txt

FROM python:3.11-slim AS sources
COPY . /app
# Compile the host's modules in the image. The host's user has no write permission for their folder,
# so Python cannot store the compiled modules there, and would compile them again at each start.
RUN mv /app/embedded-host/src /host && rm -r /app/embedded-host /app/deploy && python -m compileall -q /host

FROM python:3.11-slim
COPY deploy/requirements-embedded.txt deploy/requirements-container.txt /
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    python -m venv --without-pip /opt/host \
 && pip --python=/opt/host install --no-cache-dir --no-index --find-links=/wheels/host --requirement=/requirements-embedded.txt \
 && python -m venv --without-pip /home/site/wwwroot/.venv \
 && pip --python=/home/site/wwwroot/.venv install --no-cache-dir --no-index --find-links=/wheels/app --requirement=/requirements-container.txt

# When Docker mounts a new volume, the volume gets the owner of the folder in the image.
RUN useradd --uid 10001 --no-create-home --home-dir /home --shell /usr/sbin/nologin functions \
 && install --directory --owner=functions /state

COPY deploy/health.py /opt/health.py
COPY --from=sources /host /opt/host/lib/python3.11/site-packages
COPY --from=sources /app /home/site/wwwroot
ENV PYTHONUNBUFFERED=1
WORKDIR /home/site/wwwroot
USER 10001
VOLUME /state
EXPOSE 7071
HEALTHCHECK --interval=5s --timeout=15s --start-period=10s --retries=3 \
    CMD ["/home/site/wwwroot/.venv/bin/python", "/opt/health.py", "http://127.0.0.1:7071"]
# A published port reaches the host only if it listens on 0.0.0.0. docker-compose.yml publishes the
# port on 127.0.0.1 only.
CMD ["/opt/host/bin/python", "-m", "embedded_host", "start", "--address", "0.0.0.0", "--allow-anonymous-network", "--state", "/state", "--no-reload"]
