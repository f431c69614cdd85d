import { fork } from 'node:child_process';

/** A proxy of gRPC without TLS that keeps what its clients say, headers decoded. */
export interface RecordingGrpc {
  /** `host:port` */
  readonly address: string;
  /** Headers and bodies of everything sent so far, as Latin-1. */
  said(): string;
  stop(): Promise<void>;
}

type Told = { readonly port?: number; readonly said?: string };

/** @param to `host:port` */
export async function recordingGrpc(to: string): Promise<RecordingGrpc> {
  const said: string[] = [];
  const path = new URL('./recording-grpc-proxy.ts', import.meta.url);
  const child = fork(path, [to], { execArgv: [] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the proxy of gRPC ended')));
    child.on('message', (told: Told) => {
      if (told.port !== undefined) resolve(told.port);
      if (told.said !== undefined) said.push(told.said);
    });
  });
  return {
    address: `127.0.0.1:${port}`,
    said: () => said.join('\n'),
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
