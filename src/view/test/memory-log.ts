import type { EventLog, LogRecord } from '../../twin/ports.ts';
import { type Fact, PARTITION, recordsOf } from './records.ts';

/** A log of one partition in memory that can grow and fail; `ends` where compaction left a gap. */
export function memoryLog(ends = 0) {
  const records: LogRecord[] = [];
  const listeners = new Set<(partitions: readonly number[]) => void>();
  let faults = 0;
  const log: EventLog = {
    epoch: 'aaaaaaaa',
    partitions: 4,
    startAt: () => Promise.resolve(),
    async read(partition, offset, limit) {
      await Promise.resolve();
      if (faults > 0 && faults-- > 0) throw new Error('log away');
      const own = partition === PARTITION ? records : [];
      return own.filter((record) => record.offset >= offset).slice(0, limit);
    },
    ends: async () => [0, 0, 0, Math.max(ends, records.length)],
    onAppend(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return {
    log,
    fail(times: number) {
      faults = times;
    },
    append(count: number, fact: Fact = ASTHMA) {
      const facts = Array.from({ length: records.length + count }, () => fact);
      records.push(...recordsOf(facts).slice(records.length));
      for (const listener of listeners) listener([PARTITION]);
    },
  };
}

const ASTHMA: Fact = { member: 'ana', id: 'c1', text: 'asthma' };
