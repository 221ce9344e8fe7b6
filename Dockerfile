# The image of the app on the Azure Functions host. `docker compose up` runs this image with
# Azurite. See embedded-host/docs/how-to/container.md.
FROM mcr.microsoft.com/azure-functions/python:4-python3.11 AS wheels
COPY deploy/requirements-container.txt /
RUN pip wheel --no-cache-dir --only-binary=:all: --require-hashes --wheel-dir=/wheels --requirement=/requirements-container.txt

FROM mcr.microsoft.com/azure-functions/python:4-python3.11 AS app
COPY . /app
RUN rm -r /app/deploy

FROM mcr.microsoft.com/azure-functions/python:4-python3.11
# Install the packages before the app is copied, so that a changed .py file rebuilds only the last
# layer.
COPY deploy/requirements-container.txt /
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links=/wheels --requirement=/requirements-container.txt

# The host's user needs write permission for these folders, which contain key files, data and logs.
RUN useradd --uid 10001 --no-create-home --home-dir /home --shell /usr/sbin/nologin functions \
 && install --directory --owner=functions /azure-functions-host/Secrets /home/data /home/LogFiles

# The host listens on port 8080, because only root may listen on ports below 1024.
ENV AzureWebJobsScriptRoot=/home/site/wwwroot \
    AzureFunctionsJobHost__Logging__Console__IsEnabled=true \
    ASPNETCORE_URLS=http://+:8080
COPY deploy/health.py /opt/health.py
COPY --from=app /app /home/site/wwwroot
USER 10001
EXPOSE 8080
# health.py sends a request to the app, because /admin/host/ping returns 200 even if functions fail
# to load.
HEALTHCHECK --interval=5s --timeout=15s --start-period=60s --retries=3 \
    CMD ["sh", "-c", "cd \"$AzureWebJobsScriptRoot\" && exec python /opt/health.py http://127.0.0.1:8080"]
