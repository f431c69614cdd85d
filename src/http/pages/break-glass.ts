import { BREAK_GLASS_REASONS } from '../../contract/break-glass.ts';
import { type Html, html } from '../../kernel/html.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { BreakGlassDesk } from '../parts.ts';

const { textCharsMin, textCharsMax, minutesDefault } = LIMITS.breakGlass;
/** How long one may choose: the words, by minutes. */
const LENGTHS: readonly (readonly [number, string])[] = [
  [15, '15 minutes'],
  [60, '1 hour'],
  [120, '2 hours'],
  [240, '4 hours, the most there is'],
];

/** What `resources/pages/break-glass.js` fills: nothing of anybody stands in it. */
export function breakGlassPage({ acrValues, maxAgeSeconds }: BreakGlassDesk['login']): Html {
  const reasons = Object.entries(BREAK_GLASS_REASONS).map(
    ([code, words]) => html`<option value="${code}">${code}: ${words}</option>`,
  );
  const lengths = LENGTHS.map(([minutes, words]) =>
    minutes === minutesDefault
      ? html`<option value="${String(minutes)}" selected>${words}</option>`
      : html`<option value="${String(minutes)}">${words}</option>`,
  );
  return html`<p>Opens the record of <strong>one member</strong> to you when somebody needs help now and
your usual right is missing. The member is told at once, and a privacy officer reviews each case.</p>
<noscript><p class="box wrong">This page needs JavaScript. <code>digital-twin break-glass --help</code>
says how to do the same in a terminal.</p></noscript>
<p id="says" class="says" role="status" aria-live="polite" tabindex="-1"></p>
<p id="wrong" class="says wrong" role="alert" tabindex="-1"></p>
<div id="out" hidden data-acr="${acrValues.join(' ')}" data-max-age="${String(maxAgeSeconds)}">
<p>Log in anew: it must have been no longer than ${String(maxAgeSeconds / 60)} minutes ago.</p>
<button id="login" class="main" type="button">Log in</button></div>
<div id="in" hidden>
<p><button id="again" type="button">Look again</button>
<button id="queue" type="button">Review queue</button>
<button id="logout" type="button">Log out</button></p>
<div id="person">
<h2>Open to you now</h2>
<div id="cases"></div>
<h2 id="open-title">Open a record</h2>
<form id="open" aria-labelledby="open-title" novalidate>
<label for="member">Member id</label>
<input id="member" name="member" type="text" maxlength="64" autocomplete="off" spellcheck="false">
<label for="reason">Why</label>
<select id="reason" name="reason">${reasons}</select>
<label for="text">In your own words</label>
<textarea id="text" name="text" rows="3" maxlength="${String(textCharsMax)}"
 aria-describedby="text-help"></textarea>
<p id="text-help" class="small">At least ${String(textCharsMin)} characters. The privacy officer reads
them; the member does not.</p>
<label for="minutes">For how long</label>
<select id="minutes" name="minutes">${lengths}</select>
<p id="open-wrong" class="says wrong" role="alert"></p>
<button class="main">Break the glass</button>
</form></div>
<div id="officer" hidden>
<h2>Cases to review</h2>
<p><label for="filter">Show</label>
<select id="filter"><option value="unreviewed">those without a review</option>
<option value="open">those that are open</option><option value="all">all</option></select></p>
<div id="reviews"></div>
<p><button id="more" type="button" hidden>Show more</button>
<button id="back" type="button">Back</button></p></div></div>`;
}
