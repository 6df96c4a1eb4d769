# A Dataflow worker with the package and everything native that it needs. The tag must be the SDK's
# version in requirements.lock.
FROM apache/beam_python3.11_sdk:2.77.0

WORKDIR /proofmill
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY schemas schemas
COPY extractors extractors
COPY filters filters
COPY pipelines pipelines
COPY audit audit
COPY packing packing
# Not fit to run when a part is missing: found here, not on a worker an hour later.
RUN pip install --no-cache-dir --no-deps . \
    && pip install --no-cache-dir "apache-beam[gcp]==2.77.0" \
    && pip check \
    && proofmill recipes list
