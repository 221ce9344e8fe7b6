# The app on the Azure Functions host. `docker compose up` runs it with its storage; docs/container.md tells the rest.
FROM mcr.microsoft.com/azure-functions/python:4-python3.11 AS wheels
COPY requirements-container.txt /
RUN pip wheel --no-cache-dir --only-binary=:all: --require-hashes --wheel-dir=/wheels --requirement=/requirements-container.txt

FROM mcr.microsoft.com/azure-functions/python:4-python3.11
# The layers of packages stand before the app: a changed .py file builds the last layer only.
COPY requirements-container.txt /
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links=/wheels --requirement=/requirements-container.txt

# What the host writes to, given to the user that it runs as: its secrets' sentinel, its logs, its data.
RUN useradd --uid 10001 --no-create-home --home-dir /home --shell /usr/sbin/nologin functions \
 && install --directory --owner=functions /azure-functions-host/Secrets /home/data /home/LogFiles

# Only root may listen below 1024, hence 8080.
ENV AzureWebJobsScriptRoot=/home/site/wwwroot \
    AzureFunctionsJobHost__Logging__Console__IsEnabled=true \
    ASPNETCORE_URLS=http://+:8080
COPY . /home/site/wwwroot
USER 10001
EXPOSE 8080
# /admin/host/ping answers 200 also while functions fail to load; shared/health.py asks the app itself.
HEALTHCHECK --interval=5s --timeout=15s --start-period=60s --retries=3 \
    CMD ["sh", "-c", "cd \"$AzureWebJobsScriptRoot\" && exec python -m shared.health http://127.0.0.1:8080"]
