import { type McpServer, ResourceNotFoundError } from '@modelcontextprotocol/server';
import { callerOf, type McpParts } from '../parts.ts';
import { listResources, readResource, TEMPLATES } from '../resources.ts';
import { PIXEL } from './samples.ts';

interface Fixture {
  readonly name: string;
  readonly mimeType: string;
  readonly content: { readonly text: string } | { readonly blob: string };
}

const FIXTURES: ReadonlyMap<string, Fixture> = new Map([
  [
    'test://static-text',
    { name: 'static-text', mimeType: 'text/plain', content: { text: 'A text that stays.' } },
  ],
  [
    'test://static-binary',
    { name: 'static-binary', mimeType: PIXEL.mimeType, content: { blob: PIXEL.data } },
  ],
  [
    'test://watched-resource',
    { name: 'watched-resource', mimeType: 'text/plain', content: { text: 'A text to watch.' } },
  ],
]);

const TEMPLATE = {
  name: 'template',
  uriTemplate: 'test://template/{id}/data',
  description: 'A resource for each id.',
  mimeType: 'application/json',
} as const;

/** Whether a URI is one of the fixtures, which anybody may subscribe to. */
export function isFixture(uri: string): boolean {
  return FIXTURES.has(uri);
}

/** The fixtures before the twin's own resources; every other URI goes through the one door. */
export function registerFixtureResources({ server }: McpServer, parts: McpParts): void {
  server.setRequestHandler('resources/list', async ({ params }, ctx) => {
    const page = await listResources(parts, callerOf(ctx), params?.cursor);
    const fixtures = [...FIXTURES].map(([uri, { name, mimeType }]) => ({ uri, name, mimeType }));
    const first = params?.cursor === undefined ? fixtures : [];
    return { ...page, resources: [...first, ...page.resources] };
  });
  server.setRequestHandler('resources/templates/list', () => ({
    resourceTemplates: [TEMPLATE, ...TEMPLATES].map((template) => ({ ...template })),
  }));
  server.setRequestHandler('resources/read', async ({ params }, ctx) => {
    if (!params.uri.startsWith('test://')) {
      return await readResource(parts, callerOf(ctx), params.uri, ctx.mcpReq);
    }
    return { contents: [contentOf(params.uri)] };
  });
}

function contentOf(uri: string) {
  const fixture = FIXTURES.get(uri);
  if (fixture !== undefined) return { uri, mimeType: fixture.mimeType, ...fixture.content };
  const id = /^test:\/\/template\/([\w-]{1,64})\/data$/.exec(uri)?.[1];
  if (id === undefined) throw new ResourceNotFoundError(uri, 'Not found.');
  const data = { id, templateTest: true, data: `Data for ID: ${id}` };
  return { uri, mimeType: TEMPLATE.mimeType, text: JSON.stringify(data) };
}
