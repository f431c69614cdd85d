import type { Clock } from '../kernel/clock.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { LIMITS } from '../kernel/limits.ts';
import type {
  Leadership,
  Principal,
  RelationChange,
  RelationJournal,
  Relations,
} from '../twin/ports.ts';
import { type AgentsDesk, createAgentsDesk } from './agents.ts';
import { type AuditOptions, type AuditTrail, createAudit } from './audit/audit.ts';
import { type AuditDesk, createAuditDesk } from './audit/desk.ts';
import { tellingRefusals } from './audit/refusals.ts';
import { Rights } from './audit/rights.ts';
import { createDecisions, type Decisions } from './decisions.ts';
import { answered } from './decisions-asker.ts';
import { closedTo } from './decisions-suspended.ts';
import type { EmbeddedIssuer, IssuerSettings } from './issuer/index.ts';
import { type IssuerService, issuerService } from './issuer/service.ts';
import { ACR } from './issuer/words.ts';
import { createRelations } from './relations.ts';
import { parseObject, parseRelation, printRelation } from './relations-text.ts';
import { startEmbeddedEngine } from './spicedb/embedded.ts';
import type { Engine } from './spicedb/engine.ts';
import { connectEngine, type SpicedbConnection } from './spicedb/grpc.ts';
import { requireSchema } from './spicedb/schema-check.ts';
import { audienceOf, createChallenges } from './tokens/challenge.ts';
import type { createDevIssuer, MintedToken } from './tokens/dev-issuer.ts';
import { type ForeignIssuer, foreignTokens } from './tokens/foreign/index.ts';
import { IssuerKeys, type IssuerState } from './tokens/foreign/issuer-keys.ts';
import { ownTokens } from './tokens/own.ts';
import type { Verifier } from './tokens/verifier.ts';

export interface AccessParts {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly journal: RelationJournal;
  /** A SpiceDB of the company's; `undefined`: the embedded one. */
  readonly spicedb?: SpicedbConnection | undefined;
  /** Who of several instances writes relations; without it this one. */
  readonly leadership?: Leadership | undefined;
  /** A company's issuer of tokens; `undefined`: the one for development. */
  readonly oauth?: ForeignIssuer | undefined;
  /** The authorization server for development; absent in production. */
  readonly authorizationServer?: IssuerSettings | undefined;
  /** The development issuer's signing key. */
  readonly issuerKey: Parameters<typeof createDevIssuer>[0]['key'];
  readonly report: (error: unknown) => void;
  /** SpiceDB's thread has ended: nothing is allowed from now on. */
  readonly onDeath: (error: Error) => void;
  readonly metrics: AccessMetrics;
  /** The key of its checkpoints, its witness, and where instances tell each other of their rows. */
  readonly audit: Pick<AuditOptions, 'signingKey' | 'witness' | 'checkpointMs' | 'topic'>;
}

export interface AccessMetrics {
  /** A permission decision: from the cache or asked. */
  decision(hit: boolean): void;
  auditCommit(records: number, seconds: number): void;
  /** Rows of the audit that are durable here and not in the topic yet. */
  auditLag(rows: number): void;
  /** Whether the relations writer stands still before what it cannot write. */
  relationsStuck(stuck: boolean): void;
}

/** The `acr` of who brought a code of one use to the authorization server for development. */
export const CODE_LOGIN = ACR.code;

export { parseRelation } from './relations-text.ts';
export { mendSchema } from './spicedb/schema-check.ts';
export { spicedbFaults } from './spicedb/start-faults.ts';
export { issuerFaults } from './tokens/foreign/start-faults.ts';

/** Everything about who may what, on the embedded SpiceDB or a real one. */
export interface AccessRoom {
  readonly decisions: Decisions;
  readonly relations: Relations;
  readonly audit: AuditTrail;
  /** What is given out of it. @param tenantOf the tenant of a member, where one is known */
  auditDesk(tenantOf: (member: string) => string | undefined): AuditDesk;
  /** In the order in which they start. */
  readonly services: readonly Service[];
  /** Tokens, once the address is known that their audience contains. */
  tokens(publicUrl: string): Promise<Tokens>;
  /** Of a company's issuer: how many of its keys are known, and whether it answers. */
  readonly issuer?: { readonly state: IssuerState };
  /** Ids of the members who are related to a practitioner. */
  panelOf(practitioner: string): Promise<string[]>;
  /** Relations in SpiceDB's text form. */
  readonly desk: RelationsDesk;
}

export interface Tokens {
  authenticate(rawHeaders: readonly string[]): Promise<Principal>;
  challenge: ReturnType<typeof createChallenges>['challenge'];
  metadata: ReturnType<typeof createChallenges>['metadata'];
  /** Absent where tokens come from a company's issuer. */
  mint?(request: Readonly<Record<string, unknown>>): Promise<MintedToken>;
  /** Absent where tokens come from a company's issuer, and in production. */
  readonly authorizationServer?: EmbeddedIssuer;
}

export interface RelationsDesk {
  write: Relations['write'];
  list(filter: Parameters<Relations['list']>[0]): Promise<string[]>;
  parse(text: string): RelationChange['relationship'];
  readonly agents: AgentsDesk;
  explain(
    subject: string,
    permission: string,
    object: string,
    agent?: { readonly id: string; readonly tenant: string },
  ): Promise<{
    allowed: boolean;
    why: readonly string[];
    trust?: readonly { readonly by: string; readonly holds: boolean }[];
  }>;
}

export function createAccess(parts: AccessParts): AccessRoom {
  const { dataDir, clock, journal, report, metrics } = parts;
  const { engine, service } = openEngine(parts);
  const decisions = createDecisions({
    engine,
    clock,
    onTrouble: report,
    onDecision: metrics.decision,
  });
  const { leadership } = parts;
  const onStuck = metrics.relationsStuck;
  const written = { engine, journal, clock, decisions, onTrouble: report, onStuck };
  const relations = createRelations({ ...written, ...(leadership && { leadership }) });
  const issuer = parts.oauth && new IssuerKeys({ ...parts.oauth, clock, report });
  const ours = issuerService();
  const audit = createAudit({
    ...{ dataDir, clock, report, ...parts.audit },
    ...{ onCommit: metrics.auditCommit, onLag: metrics.auditLag },
    onAppended: (entry) => rights.shown(entry),
  });
  const rights = new Rights({
    ...{ audit, access: decisions, clock, report },
    explain: (subject, permission, object) => decisions.explain(subject, permission, object),
  });
  const told = (rule: string): void => audit.failedAuthentication(rule);
  return {
    decisions,
    relations,
    audit,
    auditDesk: (tenantOf) => createAuditDesk({ audit, tenantOf }),
    services: [audit, service, decisions, relations, rights, ours, ...(issuer ? [issuer] : [])],
    ...(issuer && { issuer }),
    async panelOf(id) {
      const subject = { type: 'practitioner', id };
      const asked = engine.read({ type: 'member', relation: 'practitioner', subject });
      const found = await answered(clock, LIMITS.lookupTimeoutMs, asked);
      return found.map(({ resource }) => resource.id);
    },
    tokens: (publicUrl) =>
      openTokens(
        { ...parts, relations, trail: audit, ours, failedAuthentication: told },
        decisions,
        issuer,
        publicUrl,
      ),
    desk: {
      write: (changes, actor) => relations.write(changes, actor),
      list: async (filter) => (await relations.list(filter)).map(printRelation),
      parse: parseRelation,
      agents: createAgentsDesk(relations, clock),
      async explain(subject, permission, object, agent) {
        const [who, what] = [parseObject(subject), parseObject(object)];
        const { allowed, paths } = await decisions.explain(who, permission, what);
        const why = paths.map((path) => path.join(', then '));
        if (agent === undefined) return { allowed, why };
        const trust = await decisions.explainTrust(who, agent, { permission, object: what });
        return { allowed: allowed && trust.some(({ holds }) => holds), why, trust };
      },
    },
  };
}

function openEngine({ spicedb, clock, onDeath }: AccessParts): {
  engine: Engine;
  service: Service;
} {
  const engine = spicedb ? connectEngine(spicedb, clock) : startEmbeddedEngine({ onDeath });
  const start = async (): Promise<void> => {
    if (spicedb !== undefined) await requireSchema(spicedb);
  };
  return { engine, service: { name: 'spicedb', start, stop: () => engine.close() } };
}

interface TokenParts extends AccessParts {
  readonly failedAuthentication: (rule: string) => void;
  readonly relations: Relations;
  readonly trail: AuditTrail;
  readonly ours: IssuerService;
}

async function openTokens(
  parts: TokenParts,
  decisions: Decisions,
  keys: IssuerKeys | undefined,
  publicUrl: string,
): Promise<Tokens> {
  const { clock, issuerKey, oauth } = parts;
  const { verifier, issuer, mint } =
    oauth !== undefined && keys !== undefined
      ? foreignTokens({ ...oauth, publicUrl, keys, clock })
      : await ownTokens({ publicUrl, key: issuerKey, clock });
  const authorizationServer =
    mint === undefined ? undefined : await openIssuer(parts, verifier, publicUrl);
  decisions.onChange((change) => {
    if (change.kind === 'client') authorizationServer?.suspended(change.tenant, change.client);
  });
  verifier.onRevoked((tokenId) => decisions.announce({ kind: 'token', tokenId }));
  const { scopePrefix = '' } = oauth ?? {};
  const { challenge, metadata } = createChallenges({
    publicUrl,
    authorizationServers: [issuer],
    scopePrefix,
  });
  return {
    authenticate: tellingRefusals(
      closedTo(decisions, (rawHeaders) => verifier.authenticate(rawHeaders)),
      parts.failedAuthentication,
    ),
    challenge,
    metadata,
    ...(mint && { mint }),
    ...(authorizationServer && { authorizationServer }),
  };
}

/** One issuer and one key with the tokens that are minted for the holder of the server's key. */
async function openIssuer(
  { authorizationServer: settings, trail, ours, issuerKey, ...parts }: TokenParts,
  verifier: Verifier,
  publicUrl: string,
): Promise<EmbeddedIssuer | undefined> {
  if (settings === undefined) return undefined;
  const { dataDir, clock, report, relations } = parts;
  return await ours.open({
    ...{ dataDir, clock, report, relations, settings, verifier },
    issuer: publicUrl,
    audience: audienceOf(publicUrl),
    key: issuerKey,
    audit: trail,
  });
}
