FROM stand-in
COPY requirements.txt /stand-in/
RUN pip install --no-cache-dir --no-deps --target=/stand-in --requirement=/stand-in/requirements.txt
COPY src /stand-in
COPY functions_host.py /stand-in/
RUN mkdir --parents /azure-functions-host /home /opt/startup \
 && printf '#!/bin/sh\nPYTHONPATH=/stand-in exec python /stand-in/functions_host.py\n' > /opt/startup/start_nonappservice.sh \
 && chmod +x /opt/startup/start_nonappservice.sh
ENV ASPNETCORE_URLS=http://+:80 FUNCTIONS_WORKER_RUNTIME=python HOME=/home
CMD ["/opt/startup/start_nonappservice.sh"]
