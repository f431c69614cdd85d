import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

/** What an application keeps for an SDK that logs a person in: both SDKs ask for the same. */
export class Keeper {
  readonly redirectUrl = 'http://127.0.0.1:4321/callback';
  readonly clientMetadata;
  readonly clientMetadataUrl?: string;
  /** Where the SDK would have sent the browser. */
  address: URL | undefined;
  #information: object | undefined;
  #tokens: object | undefined;
  #verifier = '';

  /** @param document address of the client's metadata document; without one it registers */
  constructor(name: string, document?: string) {
    this.clientMetadata = { client_name: name, redirect_uris: [this.redirectUrl] };
    if (document !== undefined) this.clientMetadataUrl = document;
  }

  clientInformation = () => this.#information as never;
  saveClientInformation = (information: object): void => {
    this.#information = information;
  };
  tokens = () => this.#tokens as never;
  saveTokens = (tokens: object): void => {
    this.#tokens = tokens;
  };
  redirectToAuthorization = (address: URL): void => {
    this.address = address;
  };
  saveCodeVerifier = (verifier: string): void => {
    this.#verifier = verifier;
  };
  codeVerifier = (): string => this.#verifier;
  get clientId(): string {
    return String((this.#information as { client_id?: string } | undefined)?.client_id);
  }
  get accessToken(): string {
    return String((this.#tokens as { access_token?: string } | undefined)?.access_token);
  }
  /** As if the hour were over: the SDK has to renew. */
  forgetAccessToken(): void {
    this.#tokens = { ...this.#tokens, access_token: 'ended' };
  }
}

/** One SDK's way: a first try that sends the person away, and a second with what came back. */
export interface SdkFlow {
  begin(url: string, keeper: Keeper): Promise<unknown>;
  finish(url: string, keeper: Keeper, answer: URL): Promise<void>;
  read(url: string, keeper: Keeper, uri: string): Promise<string>;
}

const INFO = { name: 'twin-oauth', version: '1.0.0' };

const transport = (url: string, keeper: Keeper) =>
  new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { authProvider: keeper as never });
const transportV1 = (url: string, keeper: Keeper) =>
  new TransportV1(new URL(`${url}/mcp`), { authProvider: keeper as never });
type V1 = Parameters<ClientV1['connect']>[0];

export const FLOWS: Readonly<Record<string, SdkFlow>> = {
  'SDK 2.x': {
    begin: (url, keeper) => new Client(INFO).connect(transport(url, keeper)),
    finish: (url, keeper, answer) => transport(url, keeper).finishAuth(answer.searchParams),
    async read(url, keeper, uri) {
      const client = new Client(INFO);
      await client.connect(transport(url, keeper));
      const { contents } = await client.readResource({ uri });
      await client.close();
      return JSON.stringify(contents);
    },
  },
  'SDK 1.x': {
    begin: (url, keeper) => new ClientV1(INFO).connect(transportV1(url, keeper) as V1),
    finish: (url, keeper, answer) =>
      transportV1(url, keeper).finishAuth(String(answer.searchParams.get('code'))),
    async read(url, keeper, uri) {
      const client = new ClientV1(INFO);
      await client.connect(transportV1(url, keeper) as V1);
      const { contents } = await client.readResource({ uri });
      await client.close();
      return JSON.stringify(contents);
    },
  },
};
