import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Connections } from '../connections/connections.ts';
import type { Face, UpgradeRequest } from '../ports.ts';
import { WsSocket } from './ws-socket.ts';

/** Close code for a path that no face serves: accepted and closed, never refused. */
const NO_SUCH_PATH = 4404;

/** The upgrade requests of the listener, each to the face that serves its path. */
export class Upgrades {
  readonly #connections: Connections;
  readonly #faces: readonly { readonly face: Face; readonly server: WebSocketServer }[];
  readonly #elsewhere = serverOf(1_024, []);

  constructor(connections: Connections, faces: readonly Face[]) {
    this.#connections = connections;
    this.#faces = faces.map((face) => ({
      face,
      server: serverOf(face.messageBytesMax, face.subprotocols),
    }));
  }

  /** Never refuses one: a stock client would then stay away for 15 to 60 s (realtime.md §0.2). */
  upgrade(req: IncomingMessage, stream: Duplex, head: Buffer): void {
    const request = requestOf(req);
    const found = this.#faces.find(({ face }) => face.serves(request.path));
    stream.on('error', () => stream.destroy());
    if (found === undefined) {
      this.#elsewhere.handleUpgrade(req, stream, head, (ws) => {
        ws.on('error', () => undefined);
        ws.close(NO_SUCH_PATH, 'no such path');
      });
      return;
    }
    found.server.handleUpgrade(req, stream, head, (ws) => {
      this.#connections.open(found.face, new WsSocket(ws, stream), request);
    });
  }
}

function serverOf(maxPayload: number, spoken: readonly string[]): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Costs some 300 KB a connection, and lengths of compressed secrets tell of them (CRIME).
    perMessageDeflate: false,
    maxPayload,
    handleProtocols: (offered) => spoken.find((one) => offered.has(one)) ?? false,
  });
}

function requestOf(req: IncomingMessage): UpgradeRequest {
  const [path = '', ...query] = (req.url ?? '').split('?');
  return {
    path,
    query: new URLSearchParams(query.join('?')),
    rawHeaders: req.rawHeaders,
    remoteAddress: req.socket.remoteAddress ?? '',
  };
}
