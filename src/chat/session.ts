import type { ChatResult } from '../contract/documents.ts';
import { randomId } from '../kernel/ids.ts';
import { actorName } from '../twin/principals.ts';
import type { Caller, Reader } from '../twin/reader/index.ts';
import type { ChatParts } from './parts.ts';

/** A Digital Session: whom a conversation is about and how far it has come; no words of it. */
export interface Session {
  readonly id: string;
  readonly member?: string;
  readonly startedAt?: string;
  readonly turns: number;
}

export function start(): Session {
  return { id: randomId(), turns: 0 };
}

/** @throws Fault NOT_FOUND for a session that is not this caller's. */
export async function goOn(reader: Reader, caller: Caller, uri: string): Promise<Session> {
  const { document } = await reader.read(caller, uri, { action: 'chat' });
  const { member, startedAt, turns } = document.data;
  return {
    id: uri.slice('mcp://sessions/'.length),
    turns: typeof turns === 'number' ? turns : 0,
    ...(typeof member === 'string' && { member }),
    ...(typeof startedAt === 'string' && { startedAt }),
  };
}

/**
 * Stores the session as a source record, bound to tenant, subject and client, and answers its URI.
 * A floor makes sure that whoever goes on with it at once finds it; while the log is away it is held,
 * and nobody can go on with it before the log has it.
 */
export async function keep(
  parts: ChatParts,
  caller: Caller,
  session: Session,
  sentences: ChatResult['sentences'],
): Promise<string> {
  const { principal } = caller;
  const uri = `mcp://sessions/${session.id}`;
  const kept = await parts.intake.submitRecord({
    tenant: principal.tenant,
    subject: { kind: 'session', id: session.id },
    type: 'Session',
    id: session.id,
    resource: {
      resourceType: 'Session',
      id: session.id,
      owner: { kind: principal.kind, subject: principal.subject, client: principal.clientId },
      ...(session.member !== undefined && { member: session.member }),
      startedAt: session.startedAt ?? new Date(parts.clock.now()).toISOString(),
      turns: session.turns + 1,
      sources: [...new Set(sentences.flatMap((s) => s.sources.map((source) => source.uri)))],
    },
    names: {},
    eventId: randomId(),
    provenance: { source: 'chat', actor: actorName(principal) },
  });
  if (!('held' in kept)) await parts.floors.raise(principal, uri, kept);
  return uri;
}
