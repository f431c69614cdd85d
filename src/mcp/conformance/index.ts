import type { McpServer, ServerEvent } from '@modelcontextprotocol/server';
import { registerCompletions } from '../completions.ts';
import type { Completer, McpParts, Profile } from '../parts.ts';
import { registerFixturePrompts } from './prompts.ts';
import { registerFixtureRequests } from './requests.ts';
import { isFixture, registerFixtureResources } from './resources.ts';
import { registerFixtureRounds } from './rounds.ts';
import { text } from './samples.ts';
import { registerFixtureTools } from './tools.ts';

/**
 * The parts of a server that also offers what the official conformance suite asks for by name
 * (`serve --conformance`; the configuration refuses it in production). The twin itself, its tokens,
 * guards, sessions and streams stay as they are: they are what the suite is to test.
 */
export function withConformance(parts: McpParts): McpParts {
  const { reader } = parts;
  return {
    ...parts,
    reader: {
      ...reader,
      async variants(principal, uris) {
        const variants = await reader.variants(principal, uris);
        return variants.map((own, index) => (isFixture(uris[index] ?? '') ? 'general' : own));
      },
    },
    profile: conformanceProfile(),
  };
}

type Tell = (kind: ServerEvent['kind']) => void;

function conformanceProfile(): Profile {
  const streams = new Set<Tell>();
  return {
    options: {
      capabilities: { logging: {}, tools: { listChanged: true }, prompts: { listChanged: true } },
    },
    extend(server, parts, complete) {
      registerFixtureResources(server, parts);
      registerFixtureTools(server);
      registerFixtureRequests(server);
      registerFixtureRounds(server, parts);
      registerFixturePrompts(server);
      registerCompletions(server.server, parts, withFixtures(complete));
      registerTriggers(server, streams);
    },
    listening(tell) {
      streams.add(tell);
      return () => streams.delete(tell);
    },
  };
}

function withFixtures(complete: Completer): Completer {
  return async (caller, params) =>
    params.ref.type === 'ref/prompt' && params.ref.name.startsWith('test_')
      ? { completion: { values: ['testing'], hasMore: false } }
      : await complete(caller, params);
}

/** Tools after which every listen stream is told that a list has changed. */
function registerTriggers(server: McpServer, streams: ReadonlySet<Tell>): void {
  for (const [name, kind] of [
    ['test_trigger_tool_change', 'tools_list_changed'],
    ['test_trigger_prompt_change', 'prompts_list_changed'],
  ] as const) {
    server.registerTool(name, { description: `Publishes ${kind}.` }, () => {
      for (const tell of streams) tell(kind);
      return { content: [text('Published.')] };
    });
  }
}
