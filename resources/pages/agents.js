/** `/me/agents`: what `/v1/agents` says, and taking it back. Text from outside is set as text alone. */

import { begin, end, finish, loginOf } from './login.js';

const login = loginOf(document.querySelector('main'));
const at = (id) => document.getElementById(id);
/** In memory alone: a reload asks for another. */
let token;

/** Words for each kind of trust, which the form has already. */
const words = Object.fromEntries(
  [...document.querySelectorAll('#trust input[name=sections]')].map((box) => [
    box.value,
    box.nextElementSibling.textContent,
  ]),
);

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
  at('agents').replaceChildren();
  at('in').hidden = true;
  at('out').hidden = false;
}

/** @returns the agents @throws Error in words */
async function ask(method, path, body) {
  const headers = { authorization: `Bearer ${token}` };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(path, { method, headers, ...sent }).catch(() => undefined);
  if (response === undefined) {
    throw new Error('The server cannot be reached. Look again to see what holds.');
  }
  if (response.status === 401) {
    showLogin();
    throw new Error('Your login has ended. Log in again.');
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error?.message ?? 'That did not work.');
  return answer.agents;
}

/** One thing at a time: what is asked for meanwhile would be told a state that is gone. */
async function doing(task) {
  const buttons = [...document.querySelectorAll('button')];
  for (const button of buttons) button.disabled = true;
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
  const shown = new Date(iso).toLocaleString(undefined, {
    dateStyle: 'medium',
    timeStyle: 'short',
  });
  return element('time', { dateTime: iso }, shown);
}

function show(agents) {
  at('out').hidden = true;
  at('in').hidden = false;
  const cards = agents.map(card);
  at('agents').replaceChildren(
    ...(cards.length > 0 ? cards : [element('p', {}, 'No agent acts for you.')]),
  );
}

function card(one, index) {
  const title = element('h3', { id: `agent-${index}` }, one.agent);
  const own = one.by === 'you';
  const lines = [
    own ? undefined : 'By the policy of your plan: your plan takes it back, you cannot here.',
    one.since && ['Trusted since ', time(one.since), '.'],
    one.lastSeen ? ['Last seen ', time(one.lastSeen), '.'] : 'Not seen lately in your access log.',
  ].filter((line) => line !== undefined);
  const all = element(
    'button',
    { type: 'button', 'aria-label': `Take everything back from ${one.agent}` },
    'Take everything back',
  );
  all.addEventListener('click', () => takeBack(one.agent));
  return element(
    'section',
    { className: 'box', 'aria-labelledby': title.id },
    title,
    ...(one.suspended ? [closed()] : []),
    ...lines.map((line) => element('p', { className: 'small' }, ...[line].flat())),
    element('ul', { className: 'trusts' }, ...one.sections.map((trust) => row(one, trust, own))),
    ...(own ? [all] : []),
  );
}

function closed() {
  return element(
    'p',
    {},
    element('span', { className: 'badge' }, 'Suspended'),
    ' Whoever runs this server has closed it: it is shown nothing now.',
  );
}

function row({ agent }, { section, until }, own) {
  const says = element('span', {}, words[section] ?? section);
  if (until !== undefined) says.append(' until ', time(until));
  if (!own) return element('li', {}, says);
  const label = `Take back ${words[section] ?? section} from ${agent}`;
  const button = element('button', { type: 'button', 'aria-label': label }, 'Take back');
  button.addEventListener('click', () => takeBack(agent, section));
  return element('li', {}, says, button);
}

function takeBack(agent, section) {
  const path = `/v1/agents/${encodeURIComponent(agent)}`;
  const query = section === undefined ? '' : `?section=${section}`;
  return doing(async () => {
    show(await ask('DELETE', path + query));
    const what = section === undefined ? 'Everything' : (words[section] ?? section);
    say(`${what} was taken back from ${agent}, and is closed to it now.`, true);
  });
}

/** The end of that day, where this person is. */
function untilOf(day) {
  if (day === '') return undefined;
  const [year, month, date] = day.split('-').map(Number);
  return new Date(year, month - 1, date, 23, 59, 59);
}

function give(form) {
  at('trust-wrong').textContent = '';
  for (const field of form.elements) field.removeAttribute('aria-invalid');
  const agent = form.elements.agent.value.trim();
  const sections = [...form.querySelectorAll('input[name=sections]:checked')].map((b) => b.value);
  const until = untilOf(form.elements.until.value);
  if (agent === '') return refuse(form.elements.agent, 'Name the agent.');
  if (sections.length === 0) {
    return refuse(form.querySelector('input[name=sections]'), 'Tick what you trust it with.');
  }
  if (until !== undefined && !(until.getTime() > Date.now())) {
    return refuse(form.elements.until, 'The last day must not be over yet.');
  }
  return doing(async () => {
    const body = { sections, ...(until !== undefined && { until: until.toISOString() }) };
    show(await ask('PUT', `/v1/agents/${encodeURIComponent(agent)}`, body));
    form.reset();
    say(`${agent} is trusted with this now, and no more.`, true);
  });
}

/** Beside the form, where who sees it looks, and as an alert. */
function refuse(field, text) {
  at('trust-wrong').textContent = text;
  field.setAttribute('aria-invalid', 'true');
  field.focus();
}

at('login').addEventListener('click', () => doing(() => begin(login)));
at('again').addEventListener('click', () =>
  doing(async () => {
    show(await ask('GET', '/v1/agents'));
    say('This is what holds now.', true);
  }),
);
at('logout').addEventListener('click', () =>
  doing(async () => {
    const old = token;
    showLogin();
    await end(login, old).catch(() => undefined);
    // Whoever logs in next is asked who they are, not taken for this person.
    await begin(login, { anew: true });
  }),
);
at('trust').addEventListener('submit', (event) => {
  event.preventDefault();
  void give(event.target);
});

if (location.origin + location.pathname !== login.redirect) {
  // A login leads back to one address, and what it began with is kept for that one alone.
  location.replace(login.redirect);
} else {
  await doing(async () => {
    token = await finish(login);
    if (token !== undefined) show(await ask('GET', '/v1/agents'));
  });
  if (token === undefined) showLogin();
}
