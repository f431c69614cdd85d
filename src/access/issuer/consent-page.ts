import { type Html, html } from '../../kernel/html.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { scopeWords, TRUST } from './words.ts';

export interface ConsentFacts {
  readonly action: string;
  readonly csrf: string;
  readonly person: string;
  readonly client: ShownClient;
  readonly scopes: readonly string[];
  /** Asked for, and not to be had with this login. */
  readonly withheld: readonly string[];
  readonly purpose: string | undefined;
  /** Sections that the person trusts this agent with already. */
  readonly trusted: readonly string[];
  /** Whether the same was allowed before. */
  readonly again: boolean;
}

export interface ShownClient {
  readonly name: string;
  readonly kind: 'own' | 'agent' | 'registered' | 'document' | 'unknown';
  /** Host that vouches for it, where its id is a document. */
  readonly host?: string | undefined;
  /** Where the answer goes. */
  readonly redirectHost: string;
  readonly isLocal: boolean;
}

const DAYS = LIMITS.issuer.grantSeconds / 86_400;

export function consentPage(facts: ConsentFacts): Html {
  const { action, csrf, person, client, scopes, withheld, purpose, again } = facts;
  const boxes = scopes.map(
    (scope) => html`<label><input type="checkbox" name="scope" value="${scope}" checked>
${scopeWords(scope)} <span class="small">(${scope})</span></label>`,
  );
  return html`<h1>Let <span class="name">${client.name}</span> act for ${person}?</h1>
<div class="box">${provenance(client)}</div>
<form method="post" action="${action}/consent"><input type="hidden" name="csrf" value="${csrf}">
<h2>It may, for ${person}</h2>${boxes}
${withheldNote(withheld)}
${purpose === undefined ? '' : html`<p>Purpose: ${purpose}</p>`}
<h2>For how long</h2>
<p>${String(DAYS)} days; then you are asked again. It holds a key of at most an hour at a time.
${again ? 'You allowed this before; programs on this computer ask each time.' : ''}</p>
${
  client.kind === 'agent'
    ? trustBoxes(facts)
    : html`<p>It acts as your own tool: it sees what you see,
and nothing that you do not.</p>`
}
<p><button class="main" name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Do not allow</button></p></form>
<form method="post" action="${action}/switch"><input type="hidden" name="csrf" value="${csrf}">
<p class="small">You are logged in as <strong>${person}</strong>.
<button>Log in as somebody else</button></p></form>`;
}

function provenance({ kind, host, redirectHost, isLocal }: ShownClient): Html {
  if (kind === 'own') return html`<p>It is a page of this server itself, at ${redirectHost}.</p>`;
  const says = {
    agent: html`An AI agent that whoever runs this server has registered.`,
    registered: html`A program that whoever runs this server has registered.`,
    document: html`A program that <span class="name">${host ?? ''}</span> publishes under this name.`,
    unknown: html`A program that registered itself under this name: <strong>nobody vouches for it</strong>.`,
  }[kind];
  const answer = isLocal
    ? html`The answer goes to a program on this computer (${redirectHost}). Go on only if you just
started it yourself.`
    : html`The answer goes to <span class="name">${redirectHost}</span>.`;
  return html`<p>${says}</p><p>${answer}</p>`;
}

function withheldNote(withheld: readonly string[]): Html | string {
  if (withheld.length === 0) return '';
  const items = withheld.map((scope) => html`<li>${scopeWords(scope)}</li>`);
  return html`<p class="small">It also asks for what a login by a code alone may give:</p>
<ul class="small">${items}</ul>`;
}

function trustBoxes({ person, client, trusted }: ConsentFacts): Html {
  const boxes = Object.entries(TRUST).map(([section, { says }]) =>
    trusted.includes(section)
      ? html`<label><input type="checkbox" checked disabled> ${says}
<span class="small">(trusted already)</span></label>`
      : html`<label><input type="checkbox" name="trust" value="${section}"> ${says}</label>`,
  );
  return html`<h2>Trust this agent with</h2>
<p class="small">An agent sees of ${person} only what ${person} trusts it with, whatever stands above.
Without a tick nothing changes. Trust given here ends after ${String(DAYS)} days.</p>
<div role="group" aria-label="Trust ${client.name} with">${boxes}</div>`;
}
