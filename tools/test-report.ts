/** What a test run prints where nobody watches: failures whole, one line a suite. */

import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';
import { ROOT } from './files.ts';

export type { TestEvent };

/** One failed hook fails every test after it: what they say alike is printed once. */
const ERROR_LINES_MAX = 60;

/** Answers the text for each event; empty where it says nothing new. */
export function createReport(): (event: TestEvent) => string {
  const seen = new Map<string, string>();
  return (event) => line(event, seen);
}

function line(event: TestEvent, seen: Map<string, string>): string {
  switch (event.type) {
    case 'test:fail':
      return failure(event.data, seen);
    case 'test:summary':
      return event.data.file === undefined ? '' : suite(event.data, event.data.file);
    case 'test:diagnostic':
      return event.data.file === undefined ? '' : `  ${event.data.message}\n`;
    case 'test:stdout':
    case 'test:stderr':
      return event.data.message;
    default:
      return '';
  }
}

type DataOf<T extends TestEvent['type']> = Extract<TestEvent, { type: T }>['data'];

function suite({ counts, duration_ms, success }: DataOf<'test:summary'>, file: string): string {
  const seconds = (duration_ms / 1000).toFixed(1).padStart(6);
  return `${success ? 'ok    ' : 'FAILED'} ${seconds} s  ${relative(ROOT, file)} (${counts.tests})\n`;
}

function failure(data: DataOf<'test:fail'>, seen: Map<string, string>): string {
  const { name, file, details } = data;
  const error = details.error as Error & { failureType?: string };
  if (error.failureType === 'subtestsFailed') return '';
  const place = file === undefined ? '' : ` (${relative(ROOT, file)}:${data.line})`;
  const cause = inspect(error.cause ?? error);
  const same = seen.get(cause);
  if (same !== undefined) return `FAILED: ${name}${place}: as ${same}\n`;
  seen.set(cause, `"${name}"`);
  const lines = cause.split('\n').slice(0, ERROR_LINES_MAX);
  return `FAILED: ${name}${place}\n    ${lines.join('\n    ')}\n`;
}
