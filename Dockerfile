# Two stages: the first makes the wheel and the environment from the locks, the second holds the result only.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source

COPY requirements/ requirements/
RUN python -m venv /opt/backend \
 && /opt/backend/bin/pip install --require-hashes -r requirements/build.lock \
 && python -m venv /opt/gammainfra \
 && /opt/gammainfra/bin/pip install --require-hashes -r requirements/base.lock

COPY pyproject.toml README.md LICENSE ./
COPY src/ src/
RUN /opt/backend/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
 && /opt/gammainfra/bin/pip install --no-deps --no-index /wheel/*.whl

FROM python:3.13-slim
COPY --from=build /opt/gammainfra /opt/gammainfra

# No account of the host has this id, and nothing but /data needs to be written to.
RUN groupadd --gid 10001 gammainfra \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin gammainfra \
 && install --directory --owner 10001 --group 10001 --mode 0700 /data
USER 10001:10001
VOLUME /data
WORKDIR /data

ENV PATH=/opt/gammainfra/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GAMMAINFRA_DATA_DIR=/data

EXPOSE 8787
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8787/healthz', timeout=2)"]
ENTRYPOINT ["gammainfra", "serve", "--host", "0.0.0.0"]
