/** `/me/agents`: what `/v1/agents` says, and taking it back. Text from outside is set as text alone. */

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

const session = createSession(['agents']);
/** Words for each kind of trust, which the form has already. */
const words = Object.fromEntries(
  [...document.querySelectorAll('#trust input[name=sections]')].map((box) => [
    box.value,
    box.nextElementSibling.textContent,
  ]),
);

async function ask(method, path, body) {
  const { agents } = await session.ask(method, path, body);
  return agents;
}

function show(agents) {
  showIn();
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
  const all = button('Take everything back', `Take everything back from ${one.agent}`, () =>
    takeBack(one.agent),
  );
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
  return element(
    'li',
    {},
    says,
    button('Take back', label, () => takeBack(agent, section)),
  );
}

async function takeBack(agent, section) {
  const path = `/v1/agents/${encodeURIComponent(agent)}`;
  const query = section === undefined ? '' : `?section=${section}`;
  show(await ask('DELETE', path + query));
  const what = section === undefined ? 'Everything' : (words[section] ?? section);
  say(`${what} was taken back from ${agent}, and is closed to it now.`, true);
}

/** The end of that day, where this person is. */
function untilOf(day) {
  if (day === '') return undefined;
  const [year, month, date] = day.split('-').map(Number);
  return new Date(year, month - 1, date, 23, 59, 59);
}

function give(form) {
  clearWrong('trust-wrong', form);
  const agent = form.elements.agent.value.trim();
  const sections = [...form.querySelectorAll('input[name=sections]:checked')].map((b) => b.value);
  const until = untilOf(form.elements.until.value);
  if (agent === '') return refuse('trust-wrong', form.elements.agent, 'Name the agent.');
  if (sections.length === 0) {
    return refuse(
      'trust-wrong',
      form.querySelector('input[name=sections]'),
      'Tick what you trust it with.',
    );
  }
  if (until !== undefined && !(until.getTime() > Date.now())) {
    return refuse('trust-wrong', form.elements.until, 'The last day must not be over yet.');
  }
  return doing(async () => {
    const body = { sections, ...(until !== undefined && { until: until.toISOString() }) };
    show(await ask('PUT', `/v1/agents/${encodeURIComponent(agent)}`, body));
    form.reset();
    say(`${agent} is trusted with this now, and no more.`, true);
  });
}

at('again').addEventListener('click', () =>
  doing(async () => {
    show(await ask('GET', '/v1/agents'));
    say('This is what holds now.', true);
  }),
);
at('trust').addEventListener('submit', (event) => {
  event.preventDefault();
  void give(event.target);
});

await session.open(async () => show(await ask('GET', '/v1/agents')));
