import { createHash } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { describeConfig } from '../config/describe.ts';
import { randomId } from '../kernel/ids.ts';
import type { Service } from '../kernel/lifecycle.ts';
import type { Flags } from '../operations/flags.ts';
import type { Audit, AuditEntry } from '../twin/ports.ts';
import type { Report } from './running.ts';

interface RecordedParts {
  readonly config: Config;
  readonly version: string;
  readonly flags: Pick<Flags, 'onChanged'>;
  readonly audit: Audit;
  readonly report: Report;
}

/**
 * Changes of configuration that are no request of anybody's, in the audit: with which settings an
 * instance started (a digest, so that another one shows; `config print` says them, without secrets),
 * and each flag as it came into force there.
 */
export function recordedConfiguration(parts: RecordedParts): Service {
  const { config, version, flags, audit, report } = parts;
  const record = (uri: string, why: string): Promise<void> => {
    const entry = {
      action: 'configuration',
      outcome: 'success',
      correlationId: randomId(),
    } as const;
    return audit.append({ ...entry, what: [{ uri }], why } satisfies AuditEntry);
  };
  flags.onChanged((flag, value) => {
    record(`flag:${flag}=${value}`, 'in force on this instance').catch(report);
  });
  return {
    name: 'recorded-configuration',
    start: () =>
      record(`settings:${digestOf(config)}`, `start of version ${version}`).catch(report),
    stop: () => Promise.resolve(),
  };
}

function digestOf(config: Config): string {
  const told = describeConfig(config).map(({ name, value }) => `${name}=${value}`);
  return createHash('sha256').update(told.join('\n')).digest('base64url');
}
