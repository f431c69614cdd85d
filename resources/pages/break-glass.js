/** `/break-glass`: what `/v1/break-glass` does, and its review. Text from outside is set as text alone. */

import {
  at,
  button,
  clearWrong,
  createSession,
  doing,
  element,
  refuse,
  say,
  showIn,
  time,
} from './page.js';

const { acr, maxAge } = at('out').dataset;
const session = createSession(['cases', 'reviews'], { acr, maxAge });
const PATH = '/v1/break-glass';
/** What was being written when a newer login was needed; only while the person is away at it. */
const DRAFT = 'digital-twin-break-glass';
/** Where the queue goes on. */
let next;

const FIELDS = ['member', 'reason', 'text', 'minutes'];

function ask(method, path, body) {
  return session.ask(method, path, body, (code) => {
    if (code !== 'INSUFFICIENT_AUTHENTICATION') return;
    keepDraft();
    session.close();
    throw new Error('Your login is too old for this. Log in again: what you wrote is kept.');
  });
}

function keepDraft() {
  const draft = Object.fromEntries(FIELDS.map((name) => [name, at(name).value]));
  sessionStorage.setItem(DRAFT, JSON.stringify(draft));
}

function takeDraft() {
  const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? 'null');
  sessionStorage.removeItem(DRAFT);
  if (draft !== null) for (const name of FIELDS) at(name).value = draft[name] ?? '';
}

function reasonWords(code) {
  const option = [...at('reason').options].find(({ value }) => value === code);
  return option?.textContent ?? code;
}

function showPerson() {
  showIn();
  at('officer').hidden = true;
  at('person').hidden = false;
}

async function showOwn() {
  const { cases } = await ask('GET', PATH);
  showPerson();
  const cards = cases.map((one) => card(one, false));
  const none = element('p', {}, 'No record is open to you by break-glass.');
  at('cases').replaceChildren(...(cards.length > 0 ? cards : [none]));
}

async function showQueue(cursor) {
  const filter = at('filter').value;
  const query = cursor === undefined ? '' : `&cursor=${cursor}`;
  const page = await ask('GET', `${PATH}?filter=${filter}&limit=20${query}`);
  next = page.next;
  at('person').hidden = true;
  at('officer').hidden = false;
  at('more').hidden = next === undefined;
  const cards = page.cases.map((one) => card(one, true));
  if (cursor !== undefined) return at('reviews').append(...cards);
  const none = element('p', {}, 'There is no such case.');
  at('reviews').replaceChildren(...(cards.length > 0 ? cards : [none]));
}

function line(...children) {
  return element('p', { className: 'small' }, ...children);
}

function card(one, forOfficer) {
  const title = element('h3', { id: `case-${one.id}` }, `Record of ${one.member}`);
  const open = one.state === 'open';
  const badge = element('span', { className: 'badge' }, 'Open');
  const ended = one.ended ?? one.until;
  const by = one.endedBy === undefined ? ' by its own time.' : ` by ${one.endedBy}.`;
  return element(
    'section',
    { className: 'box', 'aria-labelledby': title.id },
    title,
    ...(open ? [line(badge, ' until ', time(one.until))] : [line('Ended ', time(ended), by)]),
    ...(forOfficer
      ? [line(`By ${one.person} through ${one.client}, `, time(one.opened), '.')]
      : []),
    line(reasonWords(one.reason)),
    element('p', { className: 'words' }, one.text),
    ...(one.review === undefined ? [] : [reviewed(one.review)]),
    ...(open ? [ending(one, forOfficer)] : []),
    ...(forOfficer && !open && one.review === undefined ? [reviewing(one)] : []),
  );
}

function reviewed({ outcome, by, at: when, text }) {
  const said = outcome === 'justified' ? 'Justified' : 'Not justified';
  return line(`${said}, says ${by}, `, time(when), text === undefined ? '.' : `: ${text}`);
}

function ending(one, forOfficer) {
  return button('End it now', `End the case on ${one.member}`, async () => {
    await ask('POST', `${PATH}/${one.id}/end`, {});
    await (forOfficer ? showQueue() : showOwn());
    say(`The record of ${one.member} is closed again.`, true);
  });
}

function reviewing(one) {
  const id = `review-${one.id}`;
  const words = element('textarea', { id, rows: 2, maxLength: 1000 });
  const give = (text, outcome) =>
    button(text, `${text}: the case on ${one.member}`, async () => {
      const said = words.value.trim();
      const body = { outcome, ...(said !== '' && { text: said }) };
      await ask('POST', `${PATH}/${one.id}/review`, body);
      await showQueue();
      say(`The case on ${one.member} is reviewed: ${text.toLowerCase()}.`, true);
    });
  return element(
    'div',
    {},
    element('label', { htmlFor: id }, 'Your words (may be left out)'),
    words,
    element('p', {}, give('Justified', 'justified'), give('Not justified', 'not-justified')),
  );
}

function open(form) {
  clearWrong('open-wrong', form);
  const [member, text] = [form.elements.member.value.trim(), form.elements.text.value.trim()];
  if (member === '') return refuse('open-wrong', form.elements.member, 'Say whose record.');
  if (text.length < 10)
    return refuse('open-wrong', form.elements.text, 'Say why, in 10 characters or more.');
  return doing(async () => {
    const { reason, minutes } = form.elements;
    const body = { member, reason: reason.value, text, minutes: Number(minutes.value) };
    await ask('POST', PATH, body);
    form.reset();
    await showOwn();
    say(`The record of ${member} is open to you. The member and the privacy officer know.`, true);
  });
}

at('again').addEventListener('click', () => doing(showOwn));
at('back').addEventListener('click', () => doing(showOwn));
at('queue').addEventListener('click', () => doing(() => showQueue()));
at('filter').addEventListener('change', () => doing(() => showQueue()));
at('more').addEventListener('click', () => doing(() => showQueue(next)));
at('open').addEventListener('submit', (event) => {
  event.preventDefault();
  void open(event.target);
});

await session.open(async () => {
  takeDraft();
  await showOwn();
});
