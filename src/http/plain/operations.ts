import type { Express } from 'express';
import type { HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import type { Guarded } from './guarded.ts';

const METADATA_PATH = '/.well-known/oauth-protected-resource/mcp';

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
  // The path of the resource follows (RFC 9728 §3.1). At the root it would be that of another one.
  app.get(METADATA_PATH, (_req, res) => {
    sendJson(res, 200, parts.authenticator.metadata(), { 'cache-control': 'public, max-age=300' });
  });
}
