import type { AuditRow, RowAgent, RowReceiver } from '../../contract/audit/row.ts';
import { isObject } from '../../kernel/json.ts';

/** The row of a kept body; those that were taken over from before the Merkle log were AuditEvents. */
export function rowIn(body: string): AuditRow {
  const kept: unknown = JSON.parse(body);
  if (isObject(kept) && kept.v === 2) return kept as unknown as AuditRow;
  return fromEvent(isObject(kept) ? kept : {});
}

export function isTakenOver(body: string): boolean {
  return body.includes('"resourceType":"AuditEvent"');
}

const OUTCOMES: Readonly<Record<string, AuditRow['outcome']>> = { '0': 'success', '4': 'denied' };

type Part = Readonly<Record<string, unknown>>;

function fromEvent(event: Part): AuditRow {
  const entities = listIn(event.entity);
  const identifiers = entities.map((entity) => ({
    entity,
    value: textIn(objectIn(objectIn(entity.what).identifier).value),
  }));
  const isRequest = ({ entity }: { entity: Part }): boolean =>
    objectIn(entity.type).code === 'XrequestId';
  const agents = listIn(event.agent);
  const receivers = agents.some(({ altId }) => altId !== undefined);
  const purpose = textIn(listIn(listIn(event.purposeOfEvent)[0]?.coding)[0]?.code);
  const who = receivers ? undefined : agentIn(agents, purpose);
  return {
    v: 2,
    at: textIn(event.recorded),
    action: textIn(listIn(event.subtype)[0]?.code) || 'unknown',
    outcome: OUTCOMES[textIn(event.outcome)] ?? 'failed',
    id: identifiers.find(isRequest)?.value ?? '',
    ...(who && { who }),
    ...(receivers && { to: receiversIn(agents) }),
    what: identifiers.flatMap((one) =>
      one.value === '' || isRequest(one) ? [] : [{ uri: one.value, ...detailsOf(one.entity) }],
    ),
    why: textIn(event.outcomeDesc),
  };
}

function agentIn(agents: readonly Part[], purpose: string): RowAgent | undefined {
  const [person, client, actor] = ['user agent', 'client', 'agent acting for user'].map((kinds) =>
    agents.find(({ type }) => {
      const kind = textIn(objectIn(type).text);
      return kinds === 'user agent' ? kind === 'user' || kind === 'agent' : kind === kinds;
    }),
  );
  if (person === undefined) return undefined;
  const identifier = objectIn(objectIn(person.who).identifier);
  const idOf = (agent: Part | undefined): string =>
    textIn(objectIn(objectIn(agent?.who).identifier).value);
  const [policy] = Array.isArray(person.policy) ? person.policy : [];
  return {
    kind: objectIn(person.type).text === 'agent' ? 'agent' : 'user',
    subject: textIn(identifier.value),
    client: idOf(client),
    ...(actor && { actor: idOf(actor) }),
    tenant: textIn(objectIn(objectIn(person.location).identifier).value),
    issuer: textIn(identifier.system),
    token: textIn(policy).replace('urn:ietf:params:oauth:jti:', ''),
    scopes: textIn(listIn(person.role)[0]?.text),
    ...(purpose !== '' && { purpose }),
  };
}

function receiversIn(agents: readonly Part[]): RowReceiver[] {
  const streams = Map.groupBy(agents, ({ altId }) => textIn(altId));
  return [...streams].flatMap(([stream, own]) => {
    const agent = agentIn(own, '');
    return agent === undefined ? [] : [{ ...agent, stream }];
  });
}

function detailsOf(entity: Part): Record<string, string> {
  const details = listIn(entity.detail).map(({ type, valueString }) => [
    textIn(type),
    textIn(valueString),
  ]);
  return Object.fromEntries(details.filter(([type]) => type === 'etag' || type === 'variant'));
}

function objectIn(value: unknown): Part {
  return isObject(value) ? value : {};
}

function listIn(value: unknown): Part[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
