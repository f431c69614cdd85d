import { type Express, type Request, type Response, Router } from 'express';
import { asFault } from '../../kernel/errors.ts';
import { isObject } from '../../kernel/json.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { parseJson, readBody } from '../body.ts';
import { sendJson } from '../respond.ts';
import { REGISTRY_ERRORS, RegistryRefusal, SchemaRegistry } from './schema-registry.ts';

const TYPE = 'application/vnd.schemaregistry.v1+json';
const BODY_TYPES = [TYPE, 'application/vnd.schemaregistry+json', 'application/json'];

/**
 * The schemas of our events by the API of Confluent's registry (Confluent Platform documentation,
 * "Schema Registry API Reference"), read-only: a stock deserializer that is pointed at `/schemas`
 * reads our topics where no registry runs. Open to all, since schemas hold nothing of anybody.
 */
export function schemaRoutes(app: Express, topicPrefix: string): void {
  const registry = new SchemaRegistry(topicPrefix);
  const router = Router();
  const get = (path: string, answer: (req: Request) => unknown): void => {
    router.get(path, (req, res) => reply(res, () => answer(req)));
  };
  get('/', () => ({}));
  get('/config', () => ({ compatibilityLevel: 'FULL_TRANSITIVE' }));
  get('/mode', () => ({ mode: 'READONLY' }));
  get('/schemas/types', () => ['PROTOBUF']);
  get('/schemas/ids/:id', ({ params, query }) => registry.schema(part(params.id), query.format));
  get('/schemas/ids/:id/subjects', ({ params }) => {
    return registry.usedBy(part(params.id)).map(({ subject }) => subject);
  });
  get('/schemas/ids/:id/versions', ({ params }) => registry.usedBy(part(params.id)));
  get('/subjects', ({ query }) => registry.subjects(part(query.subjectPrefix)));
  get('/subjects/:subject/versions', ({ params }) => registry.versions(part(params.subject)));
  get('/subjects/:subject/versions/:version', ({ params, query }) => {
    return registry.version(part(params.subject), part(params.version), query.format);
  });
  postRoutes(router, registry);
  router.use((_req, res) => {
    reply(res, () => {
      throw new RegistryRefusal(404, 'HTTP 404 Not Found');
    });
  });
  app.use('/schemas', router);
}

function postRoutes(router: Router, registry: SchemaRegistry): void {
  type Answer = (params: Request['params'], schema: string) => unknown;
  const post = (path: string, answer: Answer): void => {
    router.post(path, async (req: Request, res) => {
      try {
        const schema = await schemaIn(req);
        reply(res, () => answer(req.params, schema));
      } catch (error) {
        refuse(res, error);
      }
    });
  };
  const subjectOf = (params: Request['params']): string => part(params.subject);
  post('/subjects/:subject', (to, schema) => registry.lookUp(subjectOf(to), schema));
  post('/subjects/:subject/versions', (to, schema) => registry.register(subjectOf(to), schema));
  post('/compatibility/subjects/:subject/versions', (to, schema) => {
    return registry.compatible(subjectOf(to), undefined, schema);
  });
  post('/compatibility/subjects/:subject/versions/:version', (to, schema) => {
    return registry.compatible(subjectOf(to), part(to.version), schema);
  });
}

async function schemaIn(req: Request): Promise<string> {
  const body = parseJson(await readBody(req, BODY_TYPES, LIMITS.requestBodyBytesMax));
  const { schema, schemaType = 'AVRO' } = isObject(body) ? body : {};
  if (typeof schema === 'string' && schemaType === 'PROTOBUF') return schema;
  const says = 'Invalid schema: only schemaType PROTOBUF is kept here';
  throw new RegistryRefusal(REGISTRY_ERRORS.invalidSchema, says);
}

function reply(res: Response, answer: () => unknown): void {
  try {
    sendJson(res, 200, answer(), { 'content-type': TYPE });
  } catch (error) {
    refuse(res, error);
  }
}

function refuse(res: Response, error: unknown): void {
  const refused = error instanceof RegistryRefusal;
  const code = refused ? error.errorCode : asFault(error).row.http;
  const message = refused ? error.message : asFault(error).message;
  const status = code > 999 ? Math.floor(code / 100) : code;
  sendJson(res, status, { error_code: code, message }, { 'content-type': TYPE });
}

function part(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
