# The same scripts as on any machine. docker build -t glint . && docker run --rm -v "$PWD:/work" glint demo demo_data
FROM debian:12 AS build
WORKDIR /glint
COPY third_party third_party
COPY scripts/lib.sh scripts/setup scripts/
RUN scripts/setup
COPY . .
# The run stage gets the program, the shared libraries it asks for, and CLIP's vocabulary file.
RUN scripts/build release glint && \
    mkdir -p /opt/glint/lib && cp build/release/glint /opt/glint/ && \
    ldd build/release/glint | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | xargs -I{} cp -L {} /opt/glint/lib/ && \
    find / -xdev -name bpe_simple_vocab_16e6.txt.gz -exec cp {} /opt/glint/ \; -quit

FROM debian:12-slim
COPY --from=build /opt/glint /opt/glint
ENV LD_LIBRARY_PATH=/opt/glint/lib GLINT_CLIP_VOCABULARY=/opt/glint/bpe_simple_vocab_16e6.txt.gz
WORKDIR /work
ENTRYPOINT ["/opt/glint/glint"]
