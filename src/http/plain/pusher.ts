import type { Express, Request } from 'express';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { readBody } from '../body.ts';
import type { HttpParts } from '../parts.ts';
import { plainError, sendJson } from '../respond.ts';
import type { Guarded } from './guarded.ts';

const FORM = 'application/x-www-form-urlencoded';
const FORM_BYTES_MAX = 16 * 1024;

/** What stock Pusher SDKs and libraries ask over HTTP (realtime.md §2.5, §2.8). */
export function pusherRoutes(app: Express, { pusher }: HttpParts, guarded: Guarded): void {
  if (pusher === undefined) return;
  app.post(
    '/v1/realtime/auth',
    guarded('subscribe', async (req, res, caller) => {
      const granted = await pusher.authorize(caller, await formOf(req));
      if (granted !== undefined) return sendJson(res, 200, granted);
      // SDKs know 403 for it; what it says is what is said of anything that is not there.
      const [, refused] = plainError(new Fault('NOT_FOUND'), caller.correlationId);
      sendJson(res, 403, refused);
    }),
  );
  app.post(
    '/v1/realtime/user-auth',
    guarded('subscribe', async (req, res, caller) => {
      sendJson(res, 200, pusher.signIn(caller, await formOf(req)));
    }),
  );
  app.use('/apps', async (req, res) => {
    const [path = '', ...query] = req.originalUrl.split('?');
    const { status, body } = await pusher.handle({
      ...{ method: req.method, path, body: await bodyOf(req) },
      query: new URLSearchParams(query.join('?')),
    });
    sendJson(res, status, body, status === 429 ? { 'retry-after': '1' } : {});
  });
}

/**
 * As an SDK sends it. Apps put fields of their own beside it, which are left out; one that is there
 * twice means two things.
 */
async function formOf(req: Request): Promise<ReadonlyMap<string, string>> {
  const body = await readBody(req, [FORM], FORM_BYTES_MAX);
  const pairs = [...new URLSearchParams(body.toString('utf8'))];
  const form = new Map(pairs);
  if (form.size === pairs.length) return form;
  throw new Fault('INVALID_ARGUMENT', { detail: 'A field of the form is there twice.' });
}

async function bodyOf(req: Request): Promise<Buffer> {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = req.headers;
  if (length === '0' && encoding === undefined) return Buffer.alloc(0);
  return await readBody(req, ['application/json'], LIMITS.requestBodyBytesMax);
}
