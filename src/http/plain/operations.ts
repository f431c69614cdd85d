import type { Express } from 'express';
import type { HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import type { Guarded } from './guarded.ts';

const METADATA = '/.well-known/oauth-protected-resource';
const METADATA_PATHS = [`${METADATA}/mcp`, METADATA];

/** Health, metrics and the metadata by which OAuth clients find the authorization server. */
export function operationRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  app.get('/healthz', (_req, res) => {
    sendJson(res, 200, {
      status: 'ok',
      name: 'digital-twin-mcp',
      version: parts.version,
      pid: process.pid,
    });
  });
  app.get('/readyz', async (_req, res) => {
    const readiness = await parts.readiness();
    sendJson(res, readiness.ready ? 200 : 503, readiness);
  });
  app.get(
    '/metrics',
    guarded('metrics', async (_req, res) => {
      res.setHeader('content-type', 'text/plain; version=0.0.4');
      res.end(await parts.metricsText());
    }),
  );
  // By RFC 9728 the path of the resource follows; MCP lets a client look at the root as well.
  app.get(METADATA_PATHS, (_req, res) => {
    sendJson(res, 200, parts.authenticator.metadata(), { 'cache-control': 'public, max-age=300' });
  });
}
