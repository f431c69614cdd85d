/** What stands around batches in their tests. */

import { DatabaseSync } from 'node:sqlite';
import { Fault } from '../../kernel/errors.ts';
import type { Principal } from '../../twin/ports.ts';
import type { Asked, KnownSubject, Subjects } from '../subject.ts';
import type { BatchStorage } from './storage.ts';
import { BatchTables } from './tables.ts';
export const caller = (subject = 'operator') => ({
  correlationId: 'c',
  principal: {
    ...{ kind: 'user', subject, tenant: 'demo', clientId: 'cli', issuer: 'i', tokenId: 't' },
    ...{ scopes: new Set(['eligibility:check']), expiresAtMs: Number.MAX_SAFE_INTEGER },
  } as Principal,
});

/** Members `m0` … are SIM members of that number; `x…` may not be asked about. */
export const subjects: Subjects = {
  find({ tenant, member, serviceTypes, serviceDate }: Asked): KnownSubject {
    const number = /^m(\d+)$/.exec(member)?.[1];
    if (number === undefined) throw new Fault('CONFLICT');
    const question = {
      payer: number === '13' ? 'NOPAYER' : 'SIM1',
      provider: { npi: '1999999984', name: 'Clinic' },
      subscriber: { memberId: number === '7' ? 'SIMX7' : `SIM${number}` },
      serviceTypes: serviceTypes as [string, ...string[]],
    };
    return {
      ...{ coverage: `cov-${member}`, question, coverageRecorded: '2026-01-01T00:00:00Z' },
      payer: { id: question.payer, name: 'Simulated', aliases: [], kind: 'commercial' },
      dedupeKey: [tenant, member, serviceTypes, serviceDate].join(),
    };
  },
};

export function storageOf(db = new DatabaseSync(':memory:')): BatchStorage {
  const tables = new BatchTables(db);
  return {
    create: async (batch) => tables.create(batch),
    addRows: async (...given) => tables.addRows(...given),
    drop: async (batch) => tables.drop(batch),
    setState: async (...given) => tables.setState(...given),
    get: async (batch) => tables.get(batch),
    list: async (...given) => tables.list(...given),
    unfinished: async () => tables.unfinished(),
    received: async (...given) => tables.received(...given),
    decide: async (...given) => tables.decide(...given),
    chunks: async (batch) => tables.chunks(batch),
    putChunk: async (chunk) => tables.putChunk(chunk),
    openRows: async (...given) => tables.openRows(...given),
    settle: async (...given) => tables.settle(...given),
    counts: async (batch) => tables.counts(batch),
    page: async (...given) => tables.page(...given),
    purge: async (before) => tables.purge(before),
  };
}
