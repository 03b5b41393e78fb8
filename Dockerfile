# The same scripts as on any machine, then the program alone with the libraries it asks for. README.md, Without root:
#   docker build -t glint .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" glint demo demo_data
FROM debian:12.11 AS build
WORKDIR /glint
COPY third_party third_party
COPY scripts/lib.sh scripts/setup scripts/
RUN scripts/setup
COPY . .
# The run stage gets the program, the one it decodes in, the shared libraries it asks for, and CLIP's vocabulary file.
RUN scripts/build release glint && \
    mkdir -p /opt/glint/lib && cp build/release/glint build/release/glint-decode /opt/glint/ && \
    ldd build/release/glint build/release/glint-decode | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | xargs -I{} cp -L {} /opt/glint/lib/ && \
    find / -xdev -name bpe_simple_vocab_16e6.txt.gz -exec cp {} /opt/glint/ \; -quit

FROM debian:12.11-slim
COPY --from=build /opt/glint /opt/glint
# `--user` may name any number: its home, which holds nothing, is everybody's.
RUN useradd --uid 1000 --create-home glint && chmod 1777 /home/glint
ENV HOME=/home/glint LD_LIBRARY_PATH=/opt/glint/lib GLINT_CLIP_VOCABULARY=/opt/glint/bpe_simple_vocab_16e6.txt.gz
USER glint
WORKDIR /work
ENTRYPOINT ["/opt/glint/glint"]
