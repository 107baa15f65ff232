# rocketpy in a container, laid out as the apache/rocketmq:4.9.8 image is: `docker build -t rocketpy .`
#
# BASE     any Debian or Ubuntu with python3 (3.11 or later) and its venv; the image is made on it
# BUILDER  BASE with a C compiler and Python's headers, e.g. python:3.11-bookworm, compiles the hot path for the
#          platform that is built; without a compiler the same code is installed as plain Python
# PIP_...  where packages come from, if not from PyPI; a directory `wheels` beside this file takes the place of any
#          index: pip wheel --wheel-dir wheels '.[tls]' 'setuptools>=77' mypy
ARG BASE=python:3.11-slim-bookworm
ARG BUILDER=${BASE}

FROM ${BUILDER} AS builder
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
COPY . /build
RUN cd /build \
 && if [ -d wheels ]; then export PIP_NO_INDEX=1 PIP_FIND_LINKS=/build/wheels; fi \
 && python3 -m venv /opt/rocketpy \
 && /opt/rocketpy/bin/pip install --no-cache-dir --disable-pip-version-check '.[tls]' \
 && /opt/rocketpy/bin/pip uninstall --yes --quiet pip setuptools \
 && mkdir -p /image/opt /image/home/rocketmq/rocketmq-4.9.8 \
 && mv /opt/rocketpy /image/opt \
 && cp -R tools/image /image/home/rocketmq/rocketmq-4.9.8/bin \
 && cp -R conf /image/home/rocketmq/rocketmq-4.9.8

FROM ${BASE}
ENV ROCKETMQ_VERSION=4.9.8 \
    ROCKETMQ_HOME=/home/rocketmq/rocketmq-4.9.8 \
    HOME=/home/rocketmq \
    PATH=/home/rocketmq/rocketmq-4.9.8/bin:/opt/rocketpy/bin:${PATH} \
    PYTHONUNBUFFERED=1 \
    ROCKETPY_LOG_DIR=~/logs/rocketmqlogs
EXPOSE 9876 10909 10911 10912
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s \
    CMD ["python3", "-I", "/home/rocketmq/rocketmq-4.9.8/bin/healthcheck.py"]
ENTRYPOINT ["/home/rocketmq/rocketmq-4.9.8/bin/docker-entrypoint.sh"]
CMD ["rocketpy"]
COPY --from=builder /image /
# The user of the official image. New volumes get the owner of the directories; the mode is for `--user` with another uid.
RUN groupadd --gid 3000 rocketmq \
 && useradd --uid 3000 --gid 3000 --no-create-home --home-dir /home/rocketmq --shell /bin/bash rocketmq \
 && mkdir /home/rocketmq/logs /home/rocketmq/store \
 && chown -R rocketmq:rocketmq /home/rocketmq \
 && chmod 0777 /home/rocketmq /home/rocketmq/logs /home/rocketmq/store
USER rocketmq
WORKDIR /home/rocketmq/rocketmq-4.9.8/bin
