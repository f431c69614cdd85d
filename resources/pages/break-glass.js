/** `/break-glass`: what `/v1/break-glass` does, and its review. Text from outside is set as text alone. */

import { begin, end, finish, loginOf } from './login.js';

const login = loginOf(document.querySelector('main'));
const at = (id) => document.getElementById(id);
const { acr, maxAge } = at('out').dataset;
const PATH = '/v1/break-glass';
/** What was being written when a newer login was needed; only while the person is away at it. */
const DRAFT = 'digital-twin-break-glass';
/** In memory alone: a reload asks for another. */
let token;
/** Where the queue goes on. */
let next;

const FIELDS = ['member', 'reason', 'text', 'minutes'];

function say(text, focus = false) {
  at('wrong').textContent = '';
  at('says').textContent = text;
  if (focus) at('says').focus();
}

function sayWrong(text) {
  at('says').textContent = '';
  at('wrong').textContent = text;
  at('wrong').focus();
}

function showLogin() {
  token = undefined;
  at('cases').replaceChildren();
  at('reviews').replaceChildren();
  at('in').hidden = true;
  at('out').hidden = false;
}

/** @returns the answer @throws Error in words */
async function ask(method, path, body) {
  const headers = { authorization: `Bearer ${token}` };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(path, { method, headers, ...sent }).catch(() => undefined);
  if (response === undefined) {
    throw new Error('The server cannot be reached. Look again to see what holds.');
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  if (answer.error?.code === 'INSUFFICIENT_AUTHENTICATION') {
    keepDraft();
    showLogin();
    throw new Error('Your login is too old for this. Log in again: what you wrote is kept.');
  }
  if (response.status === 401) {
    showLogin();
    throw new Error('Your login has ended. Log in again.');
  }
  throw new Error(answer.error?.message ?? 'That did not work.');
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

/** One thing at a time: what is asked for meanwhile would be told a state that is gone. */
async function doing(task) {
  for (const button of document.querySelectorAll('button')) button.disabled = true;
  try {
    await task();
  } catch (error) {
    sayWrong(error.message);
  } finally {
    for (const button of document.querySelectorAll('button')) button.disabled = false;
  }
}

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function time(iso) {
  const options = { dateStyle: 'medium', timeStyle: 'short' };
  return element('time', { dateTime: iso }, new Date(iso).toLocaleString(undefined, options));
}

function button(text, label, task) {
  const made = element('button', { type: 'button', 'aria-label': label }, text);
  made.addEventListener('click', () => doing(task));
  return made;
}

function reasonWords(code) {
  const option = [...at('reason').options].find(({ value }) => value === code);
  return option?.textContent ?? code;
}

function showPerson() {
  at('out').hidden = true;
  at('in').hidden = false;
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

/** Beside the form, where who sees it looks, and as an alert. */
function refuse(field, text) {
  at('open-wrong').textContent = text;
  field.setAttribute('aria-invalid', 'true');
  field.focus();
}

function open(form) {
  at('open-wrong').textContent = '';
  for (const field of form.elements) field.removeAttribute('aria-invalid');
  const [member, text] = [form.elements.member.value.trim(), form.elements.text.value.trim()];
  if (member === '') return refuse(form.elements.member, 'Say whose record.');
  if (text.length < 10) return refuse(form.elements.text, 'Say why, in 10 characters or more.');
  return doing(async () => {
    const { reason, minutes } = form.elements;
    const body = { member, reason: reason.value, text, minutes: Number(minutes.value) };
    await ask('POST', PATH, body);
    form.reset();
    await showOwn();
    say(`The record of ${member} is open to you. The member and the privacy officer know.`, true);
  });
}

at('login').addEventListener('click', () => doing(() => begin(login, { acr, maxAge })));
at('again').addEventListener('click', () => doing(showOwn));
at('back').addEventListener('click', () => doing(showOwn));
at('queue').addEventListener('click', () => doing(() => showQueue()));
at('filter').addEventListener('change', () => doing(() => showQueue()));
at('more').addEventListener('click', () => doing(() => showQueue(next)));
at('logout').addEventListener('click', () =>
  doing(async () => {
    const old = token;
    showLogin();
    await end(login, old).catch(() => undefined);
    // Whoever logs in next is asked who they are, not taken for this person.
    await begin(login, { anew: true, acr, maxAge });
  }),
);
at('open').addEventListener('submit', (event) => {
  event.preventDefault();
  void open(event.target);
});

if (location.origin + location.pathname !== login.redirect) {
  // A login leads back to one address, and what it began with is kept for that one alone.
  location.replace(login.redirect);
} else {
  await doing(async () => {
    token = await finish(login);
    if (token === undefined) return;
    takeDraft();
    await showOwn();
  });
  if (token === undefined) showLogin();
}
