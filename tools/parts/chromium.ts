/** Chromium, for tests that look at a page as a person does. */

import type { Say } from './cache.ts';
import { findProgram, need } from './programs.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const CHROMIUM = {
  program: 'chromium',
  debian: 'chromium',
  otherwise: 'install Chromium (Debian: chromium), which shows the pages that the tests look at',
};

/** Its path: the one that is there, or Debian's. @throws naming it where it cannot be installed */
export async function bringChromium(say: Say): Promise<string> {
  const there = NAMES.map((program) => findProgram({ program })).find((path) => path !== undefined);
  if (there !== undefined) return there;
  await need([CHROMIUM], say);
  return findProgram(CHROMIUM) ?? CHROMIUM.program;
}
