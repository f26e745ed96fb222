# The service and the page: docker build --tag areoseg . && docker run --publish 8000:8000 areoseg
FROM python:3.12-slim AS build
WORKDIR /source
RUN python -m venv /opt/areoseg
ENV PATH=/opt/areoseg/bin:$PATH
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir --constraint constraints.txt torch \
    --index-url https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir --constraint constraints.txt '.[serve,openvino,planetary]'

FROM python:3.12-slim
RUN useradd --create-home --uid 1000 areoseg
COPY --from=build /opt/areoseg /opt/areoseg
ENV PATH=/opt/areoseg/bin:$PATH PYTHONUNBUFFERED=1
USER areoseg
WORKDIR /home/areoseg
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD \
    ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz')"]
# Without AREOSEG_TOKEN the service does not start; --no-token in its place opens it to everyone.
ENTRYPOINT ["areoseg", "serve", "--host", "0.0.0.0"]
