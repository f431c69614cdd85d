/** What our pages share: words to the person, one task at a time, and the person's login. */

import { begin, end, finish, loginOf } from './login.js';

export const at = (id) => document.getElementById(id);

export function say(text, focus = false) {
  at('wrong').textContent = '';
  at('says').textContent = text;
  if (focus) at('says').focus();
}

function sayWrong(text) {
  at('says').textContent = '';
  at('wrong').textContent = text;
  at('wrong').focus();
}

/** One thing at a time: what is asked for meanwhile would be told a state that is gone. */
export async function doing(task) {
  for (const button of document.querySelectorAll('button')) button.disabled = true;
  try {
    await task();
  } catch (error) {
    sayWrong(error.message);
  } finally {
    for (const button of document.querySelectorAll('button')) button.disabled = false;
  }
}

/** Beside the form, where who sees it looks, and as an alert. */
export function refuse(place, field, text) {
  at(place).textContent = text;
  field.setAttribute('aria-invalid', 'true');
  field.focus();
}

/** Nothing of an earlier try is wrong any more. */
export function clearWrong(place, form) {
  at(place).textContent = '';
  for (const field of form.elements) field.removeAttribute('aria-invalid');
}

/** Text from outside is set as text alone. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export function time(iso) {
  const options = { dateStyle: 'medium', timeStyle: 'short' };
  return element('time', { dateTime: iso }, new Date(iso).toLocaleString(undefined, options));
}

export function button(text, label, task) {
  const made = element('button', { type: 'button', 'aria-label': label }, text);
  made.addEventListener('click', () => doing(task));
  return made;
}

export function showIn() {
  at('out').hidden = true;
  at('in').hidden = false;
}

/**
 * The login of whoever is here. Its token is in memory alone: a reload asks for another.
 * @param lists ids of what is emptied when it ends @param kind of login (login.js)
 */
export function createSession(lists, kind = {}) {
  const login = loginOf(document.querySelector('main'));
  let token;

  const close = () => {
    token = undefined;
    for (const id of lists) at(id).replaceChildren();
    at('in').hidden = true;
    at('out').hidden = false;
  };
  at('login').addEventListener('click', () => doing(() => begin(login, kind)));
  at('logout').addEventListener('click', () =>
    doing(async () => {
      const old = token;
      close();
      await end(login, old).catch(() => undefined);
      // Whoever logs in next is asked who they are, not taken for this person.
      await begin(login, { ...kind, anew: true });
    }),
  );

  return {
    close,
    /**
     * @param onRefused told of the error's code first; what it throws is said
     * @returns the answer @throws Error in words
     */
    async ask(method, path, body, onRefused = () => undefined) {
      const headers = { authorization: `Bearer ${token}` };
      if (body !== undefined) headers['content-type'] = 'application/json';
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const response = await fetch(path, { method, headers, ...sent }).catch(() => undefined);
      if (response === undefined) {
        throw new Error('The server cannot be reached. Look again to see what holds.');
      }
      const answer = await response.json().catch(() => ({}));
      if (response.ok) return answer;
      onRefused(answer.error?.code);
      if (response.status === 401) {
        close();
        throw new Error('Your login has ended. Log in again.');
      }
      throw new Error(answer.error?.message ?? 'That did not work.');
    },
    /** Takes up a login that leads here, and shows what it opens. */
    async open(show) {
      if (location.origin + location.pathname !== login.redirect) {
        // A login leads back to one address, and what it began with is kept for that one alone.
        location.replace(login.redirect);
        return;
      }
      await doing(async () => {
        token = await finish(login);
        if (token !== undefined) await show();
      });
      if (token === undefined) close();
    },
  };
}
