import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Express } from 'express';
import { PAGES } from '../../contract/pages.ts';
import type { HttpParts } from '../parts.ts';
import { agentsPage } from './agents.ts';
import { breakGlassPage } from './break-glass.ts';
import { sendOwnPage } from './page.ts';

const FOLDER = new URL('../../../resources/pages/', import.meta.url);
const TYPES = { js: 'text/javascript', css: 'text/css' } as const;
/** Scripts and style of all pages; nothing else of that folder is served. */
const FILES = ['login.js', 'page.js', 'agents.js', 'break-glass.js', 'style.css'] as const;

/** Pages for people: each logs in by itself, and does what the plain routes let its token do. */
export function pageRoutes(app: Express, parts: HttpParts): void {
  for (const name of FILES) {
    const text = readFileSync(fileURLToPath(new URL(name, FOLDER)));
    const type = TYPES[name.endsWith('.js') ? 'js' : 'css'];
    app.get(`/me/${name}`, (_req, res) => {
      res.writeHead(200, {
        'content-type': `${type}; charset=utf-8`,
        'content-length': text.length,
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-cache',
      });
      res.end(text);
    });
  }
  app.get(PAGES.agents.path, (_req, res) => {
    const page = { title: 'Agents that act for you', script: 'agents.js', of: PAGES.agents };
    sendOwnPage(res, parts, page, agentsPage());
  });
  app.get(PAGES.breakGlass.path, (_req, res) => {
    const page = { title: 'Break the glass', script: 'break-glass.js', of: PAGES.breakGlass };
    sendOwnPage(res, parts, page, breakGlassPage(parts.breakGlass.login));
  });
}
