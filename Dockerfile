# syntax=docker/dockerfile:1

FROM node:24-trixie-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY toolchain/package.json toolchain/
# The image has Node 24 already, so npm's own copy of it (optional) is not needed by anything that runs here; the
# platform binaries of esbuild are optional too, hence no --omit=optional.
RUN npm ci
COPY . .
# Called directly: the launcher would compare the lock file's time with npm's marker and install again.
RUN node toolchain/build.mjs --image

FROM node:24-trixie-slim
# git is the only program the controller executes, and git starts ssh, which wants its user to have a name. No package
# manager or compiler is needed at run time.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends git openssh-client ca-certificates \
  && echo 'flaresmith:x:65532:65532::/nonexistent:/usr/sbin/nologin' >> /etc/passwd \
  && rm -rf /var/lib/apt/lists/* /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn*
WORKDIR /app
COPY --from=build /src/package.json /src/LICENSE ./
COPY --from=build /src/image dist
COPY --from=build /src/crds crds
# Left alone, V8 keeps up to 128 MiB for what was made last; with less it is no slower (specs/013).
ENV NODE_ENV=production NODE_OPTIONS="--max-semi-space-size=16" NODE_COMPILE_CACHE=/app/compiled
RUN install -d -o 65532 -g 65532 /app/compiled
USER 65532:65532
# What a start compiles is kept in the image, whose root is read-only when it runs. Node keeps it by user.
RUN node dist/flaresmith.js up --once --installation image --data-dir /tmp/start && rm -rf /tmp/start
ENTRYPOINT ["node", "/app/dist/flaresmith.js"]
CMD ["--help"]
