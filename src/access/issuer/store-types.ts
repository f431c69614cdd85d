/** What the library keeps of one thing: a client, a grant, a session, a token. */
export type Payload = Readonly<Record<string, unknown>>;

/** An access token that was handed out and has not ended. */
export interface Issued {
  readonly tokenId: string;
  readonly clientId: string;
  /** The grant that it rests on; absent where an agent came alone. */
  readonly grantId?: string | undefined;
  /** The token that was exchanged for it (RFC 8693). */
  readonly parentId?: string | undefined;
  /** Seconds. */
  readonly expiresAt: number;
  readonly payload: Payload;
}
