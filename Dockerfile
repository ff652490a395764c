# The official Node image runs the sources as they are; the pinned runtime and the private PostgreSQL are left out.
FROM node:24-slim AS web
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY contract contract
COPY client client
COPY web web
COPY scripts scripts
RUN node scripts/build-web.ts

FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund
COPY contract contract
COPY src src
COPY scripts scripts
COPY --from=web /app/dist/web dist/web
# For what is kept in files, such as mails where there is no mail server.
RUN mkdir data && chown node:node data
USER node
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT ?? 8000) + '/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself, not npm: the exit code and the signals reach the container.
CMD ["node", "--max-semi-space-size=8", "--heap-growing-percent=100", "src/start.js"]
