import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { bringPusherJava } from '../../tools/parts/pusher-java.ts';
import { APP, until } from './pusher.ts';
import type { TestServer } from './server.ts';

/** A JVM with Pusher's own SDK for Java and Android. */
export interface JavaClient {
  /** `subscribed CHANNEL`, `event CHANNEL NAME DATA FROM`, `state CONNECTED ID`, … */
  readonly heard: readonly (readonly string[])[];
  /** One line for the driver (tools/parts/pusher-java/Driver.java). */
  say(line: string): void;
  /** Resolves with the words of the first that begins with these, from the `from`th on. */
  hears(...words: string[]): Promise<readonly string[]>;
  /** Events of a channel, by name and data. */
  events(channel: string): string[];
  stop(): void;
}

export interface JavaOptions {
  readonly port?: number;
  readonly endpoint?: string;
  readonly token?: string;
  /** Whether to wait until it is connected; `true`. */
  readonly connects?: boolean;
}

export async function javaClient(
  server: Pick<TestServer, 'url'>,
  { port, endpoint, token, connects = true }: JavaOptions = {},
): Promise<JavaClient> {
  const program = await bringPusherJava((text) => console.log(`# ${text}`));
  const auth = endpoint ?? `${server.url}/v1/realtime/auth`;
  const user = endpoint ?? `${server.url}/v1/realtime/user-auth`;
  const to = String(port ?? new URL(server.url).port);
  const child = spawn('java', [...program, APP.key, to, auth, user, token ?? '-'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const heard: string[][] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    heard.push(JSON.parse(line) as string[]);
  });
  const find = (words: readonly string[]) =>
    heard.find((one) => words.every((word, index) => one[index] === word));
  const client: JavaClient = {
    heard,
    say: (line) => void child.stdin.write(`${line}\n`),
    async hears(...words) {
      await until(() => find(words) !== undefined, `Java hears ${words.join(' ')}`, 40_000);
      return find(words) ?? [];
    },
    events: (channel) =>
      heard.flatMap(([kind, of, name, data]) =>
        kind === 'event' && of === channel && !name?.startsWith('pusher')
          ? [`${name} ${data}`]
          : [],
      ),
    stop: () => void child.kill('SIGKILL'),
  };
  await client.hears('state', connects ? 'CONNECTED' : 'CONNECTING');
  return client;
}
