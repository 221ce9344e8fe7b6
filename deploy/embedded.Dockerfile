# The same app on the embedded host: `docker compose up embedded`; docs/container.md tells the rest.
FROM python:3.11-slim AS wheels
COPY requirements-embedded.txt /
RUN pip wheel --no-cache-dir --only-binary=:all: --require-hashes --wheel-dir=/wheels --requirement=/requirements-embedded.txt

FROM python:3.11-slim AS sources
COPY . /app
# Compiled here: the user that runs the host may not write there, and each start would compile it anew.
RUN mkdir /host && mv /app/embedded_host /host/ && python -m compileall -q /host

FROM python:3.11-slim
COPY requirements-embedded.txt /
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links=/wheels --requirement=/requirements-embedded.txt

# A volume takes over the owner of the folder that it is first mounted at.
RUN useradd --uid 10001 --no-create-home --home-dir /home --shell /usr/sbin/nologin functions \
 && install --directory --owner=functions /state

COPY --from=sources /host /opt/embedded-host
COPY --from=sources /app /home/site/wwwroot
ENV PYTHONPATH=/opt/embedded-host \
    PYTHONUNBUFFERED=1
WORKDIR /home/site/wwwroot
USER 10001
VOLUME /state
EXPOSE 7071
HEALTHCHECK --interval=5s --timeout=15s --start-period=10s --retries=3 \
    CMD ["python", "-m", "shared.health", "http://127.0.0.1:7071"]
# Only by 0.0.0.0 is a container reached from outside; docker-compose.yml publishes the port on 127.0.0.1 and nowhere else.
CMD ["python", "-m", "embedded_host", "start", "--address", "0.0.0.0", "--allow-anonymous-network", "--state", "/state", "--no-reload"]
