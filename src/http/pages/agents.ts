import { TRUST_WORDS, TRUSTS } from '../../contract/agents.ts';
import { type Html, html } from '../../kernel/html.ts';

/** What `resources/pages/agents.js` fills: nothing of anybody stands in it. */
export function agentsPage(): Html {
  const boxes = TRUSTS.map(
    (trust) => html`<label><input type="checkbox" name="sections" value="${trust}">
<span>${TRUST_WORDS[trust]}</span></label>`,
  );
  return html`<p>An agent is a program that reads and answers for you. It sees of your record what you
may see <strong>and</strong> trust it with, and you can take that back at any time.</p>
<noscript><p class="box wrong">This page needs JavaScript. <code>digital-twin agents list</code> says
the same in a terminal.</p></noscript>
<p id="says" class="says" role="status" aria-live="polite" tabindex="-1"></p>
<p id="wrong" class="says wrong" role="alert" tabindex="-1"></p>
<div id="out" hidden><button id="login" class="main" type="button">Log in</button></div>
<div id="in" hidden>
<p><button id="again" type="button">Look again</button>
<button id="logout" type="button">Log out</button></p>
<h2>Who acts for you</h2>
<div id="agents"></div>
<h2 id="give">Trust an agent</h2>
<form id="trust" aria-labelledby="give" novalidate>
<label for="agent">Name of the agent</label>
<input id="agent" name="agent" type="text" maxlength="256" autocomplete="off" spellcheck="false"
 aria-describedby="agent-help">
<p id="agent-help" class="small">The name that the agent has with this server, such as
<code>assistant</code>.</p>
<fieldset><legend>It may see and do exactly this</legend>${boxes}</fieldset>
<label for="until">Last day <span class="small">(may be left out)</span></label>
<input id="until" name="until" type="date" aria-describedby="until-help">
<p id="until-help" class="small">Without one it holds until you take it back. What the agent has now
and is not ticked is taken back with it.</p>
<p id="trust-wrong" class="says wrong" role="alert"></p>
<button class="main">Give trust</button>
</form></div>`;
}
