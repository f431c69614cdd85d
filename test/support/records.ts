import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { kcat } from './parts.ts';

/** A record as a client that is none of ours sees it. */
export interface SeenRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer;
  readonly value: Buffer;
}

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** Lengths first, so that binary keys and values come whole; -1 stands for none. */
const FORMAT = '%p %o %K %S|%k%s';

/** Everything committed in a topic at this moment, by kcat, in the order of each partition. */
export async function readTopic(brokers: string, topic: string): Promise<SeenRecord[]> {
  await kcat(['-V']);
  const isolation = ['-X', 'isolation.level=read_committed'];
  const args = ['-C', '-b', brokers, '-t', topic, '-o', 'beginning', '-e', '-q', ...isolation];
  const options = { encoding: 'buffer', maxBuffer: OUTPUT_BYTES_MAX } as const;
  const { stdout } = await run('kcat', [...args, '-f', FORMAT], options);
  const seen: SeenRecord[] = [];
  for (let at = 0; at < stdout.length; ) {
    const begin = stdout.indexOf('|', at) + 1;
    const said = stdout.toString('latin1', at, begin - 1);
    const [partition = -1, offset = -1, keyBytes = 0, valueBytes = 0] = said.split(' ').map(Number);
    const valueAt = begin + Math.max(0, keyBytes);
    at = valueAt + Math.max(0, valueBytes);
    const key = stdout.subarray(begin, valueAt);
    seen.push({ partition, offset, key, value: stdout.subarray(valueAt, at) });
  }
  return seen;
}
