import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { sleep } from '../../src/kernel/clock.ts';
import { messageOf, type RpcMessage } from './ask.ts';
import { modernMessage } from './raw.ts';
import { LAUNCHER, type TestServer } from './server.ts';

/** The stdio bridge, line by line, as a client may write to it that means no good. */
export interface TestBridge {
  /** Everything that came on stdout. */
  readonly messages: readonly RpcMessage[];
  line(text: string | Buffer): void;
  /** A message of the 2026-07-28 era, and what it is answered with. */
  ask(method: string, params: Readonly<Record<string, unknown>>): Promise<RpcMessage>;
  /** The same in its first session of the 2025 era. */
  askOld(method: string, params: Readonly<Record<string, unknown>>): Promise<RpcMessage>;
  heard(is: (message: RpcMessage) => boolean): Promise<RpcMessage>;
  /** Ends stdin; fails where anything but whole messages stood on stdout. */
  close(): Promise<void>;
}

const ANSWERED_WITHIN_MS = 15_000;

export function openBridge(server: TestServer, as: string): TestBridge {
  const args = [LAUNCHER, 'stdio', '--as', as, '--data-dir', server.dataDir];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const messages: RpcMessage[] = [];
  let rest = '';
  let lastId = 100;
  let opened: Promise<RpcMessage> | undefined;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    messages.push(...lines.map(messageOf));
  });
  const write = (message: object): void => bridge.line(JSON.stringify(message));
  const answerTo = async (message: object): Promise<RpcMessage> => {
    lastId += 1;
    const id = lastId;
    write({ ...message, id });
    return await bridge.heard((heard) => heard.id === id && heard.method === undefined);
  };
  const open = async (): Promise<RpcMessage> => {
    const clientInfo = { name: 'raw', version: '1' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    const answer = await answerTo({ jsonrpc: '2.0', method: 'initialize', params });
    write({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return answer;
  };
  const bridge: TestBridge = {
    messages,
    line(text) {
      child.stdin.write(text);
      child.stdin.write('\n');
    },
    ask: (method, params) =>
      answerTo(JSON.parse(modernMessage(method, params).body) as Record<string, unknown>),
    async askOld(method, params) {
      opened ??= open();
      assert.ok((await opened).result);
      return await answerTo({ jsonrpc: '2.0', method, params });
    },
    async heard(is) {
      const deadline = Date.now() + ANSWERED_WITHIN_MS;
      for (;;) {
        const found = messages.find(is);
        if (found !== undefined) return found;
        assert.ok(Date.now() < deadline, 'the bridge has not answered');
        await sleep(2);
      }
    },
    async close() {
      const closed = new Promise((resolve) => child.once('close', resolve));
      child.stdin.end();
      await closed;
      assert.equal(rest, '', 'only whole messages stand on stdout');
    },
  };
  return bridge;
}
