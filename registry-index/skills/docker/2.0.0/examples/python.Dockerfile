# syntax=docker/dockerfile:1
FROM python:3.12-slim AS build
WORKDIR /src
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --prefix=/install -r requirements.txt
COPY . .
RUN pip install --no-cache-dir --prefix=/install --no-deps .

FROM python:3.12-slim
COPY --from=build /install /usr/local
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s CMD ["python", "-m", "app.health"]
CMD ["python", "-m", "app"]
