# rulec for CI jobs and for machines without Python: docker run --rm -v "$PWD:/work" rulec lint .
FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir --no-compile --prefix=/installed .

FROM python:3.13-slim
COPY --from=build /installed /usr/local
USER 65534:65534
WORKDIR /work
ENTRYPOINT ["rulec"]
CMD ["--help"]
