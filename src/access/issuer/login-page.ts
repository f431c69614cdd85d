import { type Html, html } from '../../kernel/html.ts';

/** The made-up people whom anybody may be, where the demo runs on this machine alone. */
export const DEMO_PEOPLE: Readonly<Record<string, string>> = {
  ana: 'Ana',
  ben: 'Ben, also guardian of Cleo',
  dov: 'Dov',
  eve: 'Dr. Eve, who treats Ana and Dov',
};

export interface LoginFacts {
  readonly action: string;
  readonly csrf: string;
  readonly client: string;
  /** Whether a demo person may be picked. */
  readonly pick: boolean;
  readonly wrong: boolean;
  /** The command that prints a code. */
  readonly command: string;
}

export function loginPage({ action, csrf, client, pick, wrong, command }: LoginFacts): Html {
  const hidden = html`<input type="hidden" name="csrf" value="${csrf}">`;
  const people = Object.entries(DEMO_PEOPLE).map(
    ([subject, says]) =>
      html`<button name="as" value="${subject}" aria-label="Log in as ${says}">${says}</button>`,
  );
  return html`<h1>Log in to Digital Twin MCP</h1>
<p><span class="name">${client}</span> asks to be connected. First say who you are.</p>
${wrong ? html`<p class="box wrong" role="alert">That code is not valid, or was used already.</p>` : ''}
${
  pick
    ? html`<h2>A person of the demo</h2>
<form method="post" action="${action}/login">${hidden}${people}</form>
<p class="small">They are made up, so no code is needed.</p>`
    : ''
}
<h2>With a login code</h2>
<form method="post" action="${action}/login">${hidden}
<label>Login code <input type="text" name="code" autocomplete="off" spellcheck="false" required></label>
<button class="main">Log in</button></form>
<p class="small">Whoever runs this server gets one with <code>${command}</code>. It is for one login, and
names the person.</p>`;
}
