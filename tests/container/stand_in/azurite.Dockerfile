FROM stand-in
COPY azurite /opt/azurite
RUN ln -s /opt/azurite/node_modules/.bin/azurite /usr/local/bin/azurite
VOLUME /data
CMD ["azurite", "-l", "/data", "--blobHost", "0.0.0.0", "--queueHost", "0.0.0.0", "--tableHost", "0.0.0.0"]
