import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Client, errors, type Interaction, type Provider } from 'oidc-provider';
import { PAGES_CLIENT } from '../../contract/pages.ts';
import { Fault } from '../../kernel/errors.ts';
import { html } from '../../kernel/html.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { Audit, Relations } from '../../twin/ports.ts';
import { accountIdOf, accountOf } from './accounts.ts';
import { isLoopbackUri } from './client-metadata.ts';
import { type ConsentFacts, consentPage, type ShownClient } from './consent-page.ts';
import type { LoginCodes } from './login-codes.ts';
import { DEMO_PEOPLE, loginPage } from './login-page.ts';
import { scopesOfClient } from './own-pages.ts';
import { sendPage } from './pages.ts';
import { needsCode, wordsOf } from './policy.ts';
import { PATHS } from './provider.ts';
import type { RegisteredClients } from './registered-clients.ts';
import type { IssuerStore } from './store.ts';
import { giveTrust, trustedSections } from './trust.ts';
import { visibleText } from './visible-text.ts';
import { ACR, isStrong, KNOWN_SCOPES } from './words.ts';

export interface InteractionParts {
  readonly provider: Provider;
  readonly audience: string;
  readonly store: IssuerStore;
  readonly clients: RegisteredClients;
  readonly codes: LoginCodes;
  readonly relations: Pick<Relations, 'write' | 'list'>;
  readonly audit: Audit;
  readonly csrfKey: Buffer;
  /** Whether a demo person may be picked without a code. */
  readonly demoLogin: boolean;
  readonly loginCommand: string;
  readonly now: () => number;
}

export interface InteractionExchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** What follows `/oauth/interaction/`: a uid, and for a form what it does. */
  readonly path: string;
  readonly body: Buffer | undefined;
  readonly correlationId: string;
}

interface Open extends InteractionExchange {
  readonly interaction: Interaction;
  readonly client: Client;
  readonly action: string;
  readonly csrf: string;
  readonly form: URLSearchParams;
}

/** The pages on which a person says who they are, and what they allow. */
export function createInteractions(parts: InteractionParts) {
  return async (exchange: InteractionExchange): Promise<void> => {
    const open = await opened(parts, exchange);
    const [, step = ''] = exchange.path.split('/');
    if (exchange.req.method === 'GET' && step === '') return await show(parts, open, false);
    if (exchange.req.method !== 'POST') throw new Fault('NOT_FOUND', { detail: 'No such path.' });
    requireOwnForm(open);
    if (step === 'login') return await login(parts, open);
    if (step === 'consent') return await consent(parts, open);
    if (step === 'switch') return await switchPerson(parts, open);
    throw new Fault('NOT_FOUND', { detail: 'No such path.' });
  };
}

/** The open request of this browser: its cookie and the address must name the same. */
async function opened(parts: InteractionParts, exchange: InteractionExchange): Promise<Open> {
  const { provider, csrfKey } = parts;
  const [uid = ''] = exchange.path.split('/');
  const interaction = await provider.interactionDetails(exchange.req, exchange.res);
  if (interaction.uid !== uid) throw new errors.SessionNotFound('another login was begun since');
  const client = await provider.Client.find(String(interaction.params.client_id));
  if (client === undefined) throw new errors.SessionNotFound('the client is gone');
  return {
    ...exchange,
    interaction,
    client,
    action: `${PATHS.interaction}/${uid}`,
    csrf: createHmac('sha256', csrfKey).update(uid).digest('base64url'),
    form: new URLSearchParams(exchange.body?.toString('utf8') ?? ''),
  };
}

/** Besides the cookie (SameSite=Lax) and the listener's look at `Origin`. */
function requireOwnForm({ form, csrf, req }: Open): void {
  const given = Buffer.from(form.get('csrf') ?? '');
  const wanted = Buffer.from(csrf);
  const site = req.headers['sec-fetch-site'];
  const own = site === undefined || site === 'same-origin';
  if (own && given.length === wanted.length && timingSafeEqual(given, wanted)) return;
  throw new Fault('FORBIDDEN_ORIGIN', { detail: 'This form is not of this page: begin again.' });
}

async function show(parts: InteractionParts, open: Open, wrong: boolean): Promise<void> {
  const { res, interaction, action, csrf, client } = open;
  const { redirect_uri: redirect } = interaction.params;
  if (interaction.prompt.name === 'login') {
    const shown = shownClient(parts, client, String(redirect));
    const pick = parts.demoLogin && !needsCode(interaction.params);
    const facts = { action, csrf, client: shown.name, pick, wrong, command: parts.loginCommand };
    const status = wrong ? 403 : 200;
    return sendPage(res, { title: 'Log in', status }, loginPage(facts));
  }
  const leadsTo = new URL(String(redirect)).origin;
  sendPage(res, { title: 'Allow access', leadsTo }, consentPage(await consentFacts(parts, open)));
}

async function login(parts: InteractionParts, open: Open): Promise<void> {
  const { codes, demoLogin, audit, provider } = parts;
  const { interaction, form, req, res, correlationId } = open;
  const picked = form.get('as');
  const code = form.get('code');
  const mayPick = demoLogin && !needsCode(interaction.params);
  const known = picked !== null && Object.hasOwn(DEMO_PEOPLE, picked);
  const demo = mayPick && known ? { subject: picked, tenant: 'demo' } : undefined;
  const account = code === null ? demo : codes.take(code);
  const by = code === null ? 'demo' : 'code';
  await audit.append({
    action: 'token',
    outcome: account === undefined ? 'denied' : 'success',
    correlationId,
    what: [{ uri: account?.subject ?? 'login' }],
    why: account === undefined ? 'login code' : `login by ${by}`,
  });
  if (account === undefined) return await show(parts, open, true);
  const accountId = accountIdOf(account);
  await forgetOther(parts, interaction, accountId);
  const result = { login: { accountId, acr: ACR[by], amr: [by] } };
  await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
}

/** Where another person was logged in here, their login ends: the library would ask by a script. */
async function forgetOther(
  { provider, now }: InteractionParts,
  interaction: Interaction,
  accountId: string,
): Promise<void> {
  const { session } = interaction;
  if (session?.uid === undefined || session.accountId === accountId) return;
  await (await provider.Session.findByUid(session.uid))?.destroy();
  Reflect.deleteProperty(interaction, 'session');
  await interaction.save(interaction.exp - now());
}

async function consent(parts: InteractionParts, open: Open): Promise<void> {
  const { provider, store, audit, clients, audience } = parts;
  const { interaction, client, form, req, res, correlationId } = open;
  const accountId = accountOfLogin(interaction);
  const { subject, tenant } = accountOf(accountId);
  const registered = clients.get(client.clientId);
  const foreign = registered !== undefined && registered.tenant !== tenant;
  const scopes = form.getAll('scope').filter((scope) => offered(parts, open).includes(scope));
  const allowed = form.get('decision') === 'allow' && scopes.length > 0 && !foreign;
  await audit.append({
    action: 'token',
    outcome: allowed ? 'success' : 'denied',
    correlationId,
    what: [{ uri: subject }],
    why: `consent to ${client.clientId}: ${allowed ? scopes.join(' ') : 'none'}`,
  });
  if (!allowed) {
    const error_description = foreign
      ? 'the client is of another tenant'
      : 'the person did not allow it';
    const refused = { error: 'access_denied', error_description };
    return await provider.interactionFinished(req, res, refused, {
      mergeWithLastSubmission: false,
    });
  }
  const ticked = registered?.agent === true ? form.getAll('trust') : [];
  await giveTrust(parts, { subject, agent: client.clientId, sections: ticked, correlationId });
  await forgetGrant(parts, interaction);
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  const refused = requested(interaction).filter((scope) => !scopes.includes(scope));
  grant.addResourceScope(audience, scopes.join(' '));
  if (refused.length > 0) grant.rejectResourceScope(audience, refused.join(' '));
  const grantId = await grant.save();
  const acr = interaction.session?.acr ?? ACR.demo;
  store.remember({ grantId, accountId, clientId: client.clientId, purpose: purposeOf(open), acr });
  const result = { consent: { grantId } };
  await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: true });
}

/** What the request had repeated of an earlier consent, before the person was asked. */
async function forgetGrant({ provider }: InteractionParts, { grantId }: Interaction) {
  if (grantId !== undefined) await (await provider.Grant.find(grantId))?.destroy();
}

/** The same request once more, for whoever logs in next. */
async function switchPerson({ provider }: InteractionParts, open: Open): Promise<void> {
  const { interaction, res } = open;
  if (interaction.session?.uid !== undefined) {
    await (await provider.Session.findByUid(interaction.session.uid))?.destroy();
  }
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(interaction.params)) {
    for (const one of [value].flat())
      if (typeof one === 'string') query.append(OIDC[name] ?? name, one);
  }
  query.set('prompt', 'login');
  await interaction.destroy();
  res.writeHead(303, { location: `${PATHS.authorization}?${query}`, 'content-length': 0 }).end();
}

/** `requests.ts` renames them on the way in. */
const OIDC: Readonly<Record<string, string>> = {
  step_up_acr: 'acr_values',
  step_up_max_age: 'max_age',
};

async function consentFacts(parts: InteractionParts, open: Open): Promise<ConsentFacts> {
  const { interaction, client, action, csrf } = open;
  const accountId = accountOfLogin(interaction);
  const { subject } = accountOf(accountId);
  const shown = shownClient(parts, client, String(interaction.params.redirect_uri));
  const scopes = offered(parts, open);
  const purpose = purposeOf(open);
  const agent = shown.kind === 'agent';
  const { name: _name, ...prompt } = interaction.prompt;
  return {
    ...{ action, csrf, scopes, client: shown, person: visibleText(subject, 60) },
    withheld: requested(interaction).filter((scope) => !scopes.includes(scope)),
    purpose: purpose === '' ? undefined : purpose,
    trusted: agent ? await trustedSections(parts, subject, client.clientId, parts.now()) : [],
    again: prompt.reasons.every((reason) => reason === 'native_client_prompt'),
  };
}

function requested({ params }: Interaction): string[] {
  return wordsOf(params.scope).filter((scope) => KNOWN_SCOPES.has(scope));
}

/** What this login may give: nothing strong by picking a name, and no more than a client may have. */
function offered({ clients }: InteractionParts, { interaction, client }: Open): string[] {
  const limit = scopesOfClient(client.clientId, clients);
  const strong = interaction.session?.acr === ACR.code;
  return requested(interaction).filter(
    (scope) => (strong || !isStrong(scope)) && (limit?.includes(scope) ?? true),
  );
}

function purposeOf({ interaction }: Open): string {
  const { purpose_of_use: purpose } = interaction.params;
  return typeof purpose === 'string' ? purpose : '';
}

function accountOfLogin({ session }: Interaction): string {
  if (session?.accountId !== undefined) return session.accountId;
  throw new errors.SessionNotFound('nobody is logged in');
}

function shownClient({ clients }: InteractionParts, client: Client, redirect: string): ShownClient {
  const registered = clients.get(client.clientId);
  const host = client.clientIdMetadataDocument === true ? new URL(client.clientId).host : undefined;
  const unnamed = host ?? 'A program without a name';
  const said = visibleText(client.clientName ?? '', LIMITS.issuer.clientNameCharsMax);
  return {
    name: said === '' ? unnamed : said,
    kind: client.clientId === PAGES_CLIENT ? 'own' : kindOf(registered, host),
    host,
    redirectHost: new URL(redirect).host,
    isLocal: isLoopbackUri(redirect),
  };
}

function kindOf(registered: { agent: boolean } | undefined, host: string | undefined) {
  if (registered !== undefined) return registered.agent ? 'agent' : 'registered';
  return host === undefined ? 'unknown' : 'document';
}

/** What the library refuses before it knows where to send an answer. */
export function sendRefusal(
  res: ServerResponse,
  status: number,
  error: string,
  says: string,
): void {
  sendPage(
    res,
    { title: 'Not connected', status },
    html`<h1>This did not work</h1><p>${visibleText(says, 300)}</p>
<p class="small"><code>${visibleText(error, 60)}</code>. Go back to the program that sent you, and
connect again.</p>`,
  );
}
